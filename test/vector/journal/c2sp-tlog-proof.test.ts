// The example of the C2SP specification tlog-proof (c2sp.org/tlog-proof, CC-BY-4.0). It leaves out the middle of the
// signatures ("[...]") and is of no tree that anyone published, so it settles the form; that our proofs are right is settled
// by the trees of rfc6962.test.ts, and that a checkpoint's signature is, by signed-note.test.ts. Last, a proof of that published
// tree in this form.
import { describe, expect, it } from 'vitest';
import {
  formatTlogProof,
  inclusionProof,
  leafHash,
  nodeHash,
  parseSignedNote,
  parseTlogProof,
  signCheckpoint,
  verifyCheckpoint,
  verifyInclusion,
} from '../../../src/journal/index.ts';
import { ORIGIN, SIGNER } from '../../support/journal/journal-fixture.ts';

const CHECKPOINT = `example.com/fancylog
109482
sFodV/vSp5O8n9a8QpW6PRY97tfOSW5bsc2Xl/EQi08=

— example.com/fancylog hI2DJw[...]1roloI=
— witness1.example mJirIklj[...]qY9v2B/5bg==
— witness2.example TnKKVHLX[...]xwYwrSjgow==
— witness3.example S4X82uH5[...]3oEcROGLFQ==
`;
const HASHES = `gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=
B95lDa8R83lS8n0eG+o0buTxRKQTYFi//1U8anccXmA=
EKNzoDWG8LGC0Yp9o+sv3qllpMP9uHQ9B20KNL+Q1zs=
RoopEkOdqkYqMB4MJXrbt/hMjOxsVn0IrWjpz1ZMMes=
AHCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=
`;
const EXAMPLE = `c2sp.org/tlog-proof@v1
extra YWdlLXYxLjIuMS1kYXJ3aW4tYXJtNjQudGFyLmd6kYXJ3aW4tYXJ
index 73894
${HASHES}
${CHECKPOINT}`;

describe('the example of the C2SP specification', () => {
  it('is read, and written again byte for byte', () => {
    const proof = parseTlogProof(EXAMPLE);
    expect(proof.index).toBe(73_894);
    expect(proof.inclusionProof.map((hash) => `${Buffer.from(hash).toString('base64')}\n`).join('')).toBe(
      HASHES,
    );
    expect(proof.checkpoint).toBe(CHECKPOINT);
    expect(Buffer.from(proof.extra ?? []).toString()).toMatch(/^age-v1\.2\.1-darwin-arm64\.tar\.gz/);
    expect(formatTlogProof(proof)).toBe(EXAMPLE);
  });

  it('is read without its extra data too', () => {
    const proof = parseTlogProof(EXAMPLE.replace(/^extra .*\n/m, ''));
    expect(proof.index).toBe(73_894);
    expect(proof.extra).toBeUndefined();
  });

  it('has signatures that are no base64, which its checkpoint is refused for', () => {
    expect(() => parseSignedNote(parseTlogProof(EXAMPLE).checkpoint)).toThrow(
      expect.objectContaining({ code: 'journal.note_malformed' }),
    );
  });

  it.each([
    ['another version', EXAMPLE.replace('@v1', '@v2')],
    ['a leading zero in the index', EXAMPLE.replace('index 73894', 'index 073894')],
    ['no index', EXAMPLE.replace('index 73894\n', '')],
    ['the extra data behind the index', EXAMPLE.replace(/(extra .*\n)(index .*\n)/, '$2$1')],
    ['a hash that is too short', EXAMPLE.replace('HCioX9nLjsrse6YhjRRmk1WUEirVOLLRoOQ6vfO5vk=', 'HCi')],
    ['no empty line in front of the checkpoint', EXAMPLE.replaceAll('\n\n', '\n')],
    ['the line ends of another system', EXAMPLE.replaceAll('\n', '\r\n')],
  ])('is refused with %s', (_what, text) => {
    expect(() => parseTlogProof(text)).toThrow(expect.objectContaining({ code: 'journal.proof_malformed' }));
  });
});

it('the published inclusion proof of leaf 5 in the tree of eight goes through the form and verifies', () => {
  const leaves = [
    '',
    '00',
    '10',
    '2021',
    '3031',
    '40414243',
    '5051525354555657',
    '606162636465666768696a6b6c6d6e6f',
  ];
  const read = (level: number, index: number): Uint8Array =>
    level === 0
      ? leafHash(Buffer.from(leaves[index] ?? '', 'hex'))
      : nodeHash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1));
  const root = Buffer.from('5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328', 'hex');
  const checkpoint = signCheckpoint({ origin: ORIGIN, size: 8, root }, SIGNER);
  const text = formatTlogProof({ index: 5, inclusionProof: inclusionProof(read, 5, 8), checkpoint });
  const proof = parseTlogProof(text);
  const log = { origin: ORIGIN, publicKey: SIGNER.publicKey };
  const { size: treeSize, root: rootHash } = verifyCheckpoint(proof.checkpoint, log);
  const claim = { leafIndex: proof.index, treeSize, rootHash, leafHash: read(0, 5) };
  expect(verifyInclusion({ ...claim, proof: proof.inclusionProof })).toBe(true);
  expect(verifyInclusion({ ...claim, leafIndex: 4, proof: proof.inclusionProof })).toBe(false);
});
