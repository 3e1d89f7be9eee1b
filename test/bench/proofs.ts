import { identityFromSeed, verifyEd25519 } from '../../src/identity/index.ts';
import {
  leafHash,
  openJournalReader,
  verifyInclusion,
  type InclusionClaim,
  type JournalReader,
} from '../../src/journal/index.ts';
import type { Bench, Row, Table } from './bench.ts';
import { diskDirectory } from './disk.ts';
import { appendReadings, openTypicalLog, typicalReading } from './typical-log.ts';

/** The last two have nothing and the most behind their last full tile of 256. */
const SIZES = { full: [1_000, 10_000, 99_840, 100_095], tiny: [10, 100, 256, 511] };

export const proofsBench: Bench = {
  name: 'proofs',
  what: 'making and checking proofs, by the size of the log',
  async run(scale) {
    const disk = diskDirectory();
    try {
      const sizes = SIZES[scale];
      await writeLog(disk.path, Math.max(...sizes));
      const log = openJournalReader(disk.path);
      const [rounds, perRound] = scale === 'full' ? [7, 200] : [2, 5];
      const tables = sizes.map((size) => tableFor({ directory: disk.path, log }, size, rounds, perRound));
      log.close();
      return tables;
    } finally {
      disk.remove();
    }
  },
};

const SIGNATURE = 'verify one Ed25519 signature';
const FIRST_PROOF = 'make a proof, reader just opened';
const PROOF = 'make a proof';
const NEAR_PROOF = 'make a proof of a neighbour';
const CONSISTENCY = 'prove consistency';
const CHECK = 'check a proof';
const REHASH = 'hash every entry anew';
/** It takes seconds, and differs by a factor of thousands. */
const REHASHED_ROUNDS = 2;

interface OpenLog {
  readonly directory: string;
  readonly log: JournalReader;
}

function tableFor({ directory, log }: OpenLog, size: number, rounds: number, perRound: number): Table {
  const rootHash = log.rootAt(size);
  const signature = signedOnce();
  const times = new Map<string, number[]>();
  const add = (subject: string, micros: number) =>
    times.set(subject, [...(times.get(subject) ?? []), micros]);
  let hashes = 0;
  for (let round = 0; round < rounds; round++) {
    // Spread over the log, a different set each round.
    const indices = Array.from({ length: perRound }, (_, i) => (round * 7_919 + i * 104_729) % size);
    const neighbours = indices
      .map((_, i) => ((round * 104_729) % size) - (i % 10))
      .map((i) => Math.max(0, i));
    const proofs: Uint8Array[][] = [];
    add(
      SIGNATURE,
      timePer(indices, () => mustHold(signature())),
    );
    const fresh = openJournalReader(directory);
    add(
      FIRST_PROOF,
      timePer([round % size], (index) => fresh.inclusionProof(index, size)),
    );
    fresh.close();
    add(
      PROOF,
      timePer(indices, (index) => proofs.push(log.inclusionProof(index, size))),
    );
    add(
      NEAR_PROOF,
      timePer(neighbours, (index) => log.inclusionProof(index, size)),
    );
    add(
      CONSISTENCY,
      timePer(indices, (size1) => log.consistencyProof(size1, size)),
    );
    const claims = indices.map((leafIndex, i): InclusionClaim => {
      const proof = proofs[i] ?? [];
      return { leafHash: leafHash(log.entry(leafIndex).cose), leafIndex, treeSize: size, rootHash, proof };
    });
    hashes = Math.max(hashes, ...proofs.map((proof) => proof.length));
    add(
      CHECK,
      timePer(claims, (claim) => mustHold(verifyInclusion(claim))),
    );
    if (round < REHASHED_ROUNDS)
      add(
        REHASH,
        timePer([size], () => rehash(log, size)),
      );
  }
  const rows = [...times].map(([subject, samples]): Row => {
    const more: Row['measures'] = subject === PROOF ? { hashes: { unit: 'count', samples: [hashes] } } : {};
    return { subject, measures: { time: { unit: 'µs', samples }, ...more } };
  });
  return {
    title: `Proofs in a log of ${size.toLocaleString('en')}, ${size % 256} behind its last full tile`,
    baseline: SIGNATURE,
    rows,
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
