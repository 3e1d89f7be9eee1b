import { identityFromSeed, verifyEd25519 } from '../../src/identity/index.ts';
import {
  leafHash,
  openJournalReader,
  verifyInclusion,
  type InclusionClaim,
  type JournalReader,
} from '../../src/journal/index.ts';
import type { Bench, Measure, Row, Table } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { appendReadings, openTypicalLog, typicalReading } from './typical-log.ts';

const SIZES = { full: [1_000, 10_000, 100_000], tiny: [10, 100, 300] };

export const proofsBench: Bench = {
  name: 'proofs',
  what: 'making and checking an inclusion proof, by the size of the log',
  async run(scale) {
    const disk = diskDirectory();
    try {
      const sizes = SIZES[scale];
      await writeLog(disk.path, Math.max(...sizes));
      const log = openJournalReader(disk.path);
      const [rounds, perRound] = scale === 'full' ? [7, 200] : [2, 5];
      const tables = sizes.map((size) => tableFor(log, size, rounds, perRound));
      log.close();
      return tables;
    } finally {
      disk.remove();
    }
  },
};

const REHASH = 'hash every entry anew';

function tableFor(log: JournalReader, size: number, rounds: number, perRound: number): Table {
  const rootHash = log.rootAt(size);
  const signature = signedOnce();
  const samples = {
    make: [] as number[],
    check: [] as number[],
    verify: [] as number[],
    rehash: [] as number[],
  };
  let hashes = 0;
  for (let round = 0; round < rounds; round++) {
    // Spread over the log, a different set each round.
    const indices = Array.from({ length: perRound }, (_, i) => (round * 7_919 + i * 104_729) % size);
    const proofs: Uint8Array[][] = [];
    samples.make.push(timePer(indices, (index) => proofs.push(log.inclusionProof(index, size))));
    const claims = indices.map((leafIndex, i): InclusionClaim => {
      const proof = proofs[i] ?? [];
      return { leafHash: leafHash(log.entry(leafIndex).cose), leafIndex, treeSize: size, rootHash, proof };
    });
    hashes = Math.max(hashes, ...proofs.map((proof) => proof.length));
    samples.check.push(timePer(claims, (claim) => mustHold(verifyInclusion(claim))));
    samples.verify.push(timePer(indices, () => mustHold(signature())));
    samples.rehash.push(timePer([size], () => rehash(log, size)));
  }
  const micros = (found: readonly number[]): Measure => ({ unit: 'µs', samples: found });
  const row = (subject: string, time: readonly number[], more: Row['measures'] = {}): Row => ({
    subject,
    measures: { time: micros(time), ...more },
  });
  return {
    title: `Inclusion proofs in a log of ${size.toLocaleString('en')}`,
    baseline: 'verify one Ed25519 signature',
    rows: [
      row('verify one Ed25519 signature', samples.verify),
      row('make a proof', samples.make, { hashes: { unit: 'count', samples: [hashes] } }),
      row('check a proof', samples.check),
      row(REHASH, samples.rehash),
    ],
    notes: [`"${REHASH}" is what a log without stored tree hashes would read and hash for one proof`],
  };
}

/** Mean of one call, in µs. */
function timePer<Item>(items: readonly Item[], work: (item: Item) => void): number {
  const startedAt = performance.now();
  for (const item of items) work(item);
  return ((performance.now() - startedAt) * 1_000) / items.length;
}

function rehash(log: JournalReader, size: number): void {
  for (const { cose } of log.entries(0, size)) leafHash(cose);
}

function signedOnce(): () => boolean {
  const identity = identityFromSeed(new Uint8Array(32).fill(1));
  const message = new Uint8Array(200).fill(2);
  const signature = identity.sign(message);
  return () => verifyEd25519(identity.publicKey, message, signature);
}

function mustHold(good: boolean): void {
  if (!good) throw new Error('a proof or a signature that was made here does not hold');
}

async function writeLog(directory: string, size: number): Promise<void> {
  const groupEntries = 500;
  const journal = await openTypicalLog(directory, groupEntries);
  await appendReadings(journal, await typicalReading(), {
    from: 0,
    count: size - journal.size,
    groupEntries,
  });
  await journal.close();
}
