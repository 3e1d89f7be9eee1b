// Commands as bytes, for whoever writes a backend in another language (docs/remote-commands.md). The key is the first one of
// RFC 8032 §7.1, which everybody knows. UPDATE_GOLDEN=1 writes the file anew; look at the difference before you believe it.
import { spawnSync } from 'node:child_process';
import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Sign1 } from '@auth0/cose';
import { encode, rfc8949EncodeOptions } from 'cborg';
import { describe, expect, it } from 'vitest';
import { judgeCommand, parseOperators, readCommand, signCommand } from '../../../src/remote/index.ts';
import { bytesOf, TestOperator } from '../../support/remote/command-fixture.ts';

const FILE = new URL('signed-commands.json', import.meta.url);
const PAGE = new URL('../../../docs/remote-commands.md', import.meta.url);
const RFC8032_SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const RFC8032_PUBLIC_KEY = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';

const support = new TestOperator('support', bytesOf(RFC8032_SEED));
const stranger = new TestOperator('stranger');
const noPython =
  spawnSync('python3', ['-c', 'import cryptography']).status === 0
    ? undefined
    : ' (skipped: needs the Debian package python3-cryptography)';
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

interface Fields {
  readonly station: string;
  readonly challenge: string;
  readonly nonce: string;
  readonly notAfterMs: number;
  readonly command: string;
  /** The text, byte for byte. */
  readonly parameters: string;
}
interface Vector {
  readonly what: string;
  readonly fields: Fields;
  readonly protectedHeader: string;
  readonly payload: string;
  readonly sigStructure: string;
  readonly signature: string;
  readonly envelope: string;
  readonly sha256: string;
  /** `accepted`, or the code of the refusal, by the station below. */
  readonly verdict: string;
}
interface Vectors {
  readonly about: string;
  readonly key: { seed: string; publicKey: string; keyId: string; verifierKey: string; may: 'read' };
  readonly station: { name: string; challenge: string; timeMs: number; clock: 'S' };
  readonly commands: readonly Vector[];
  /** Bytes that are no command, or of nobody known. */
  readonly others: readonly { readonly what: string; readonly envelope: string; readonly verdict: string }[];
}

const TIME_MS = 1_795_435_200_000;
const CHALLENGE = '000102030405060708090a0b0c0d0e0f';
const GOOD: Fields = {
  ...{ station: 'DE-ACME-0001', challenge: CHALLENGE, nonce: '101112131415161718191a1b1c1d1e1f' },
  ...{ notAfterMs: TIME_MS + 120_000, command: 'meter read', parameters: '{"meter":"evse1"}' },
};
const CASES: readonly { what: string; fields: Partial<Fields>; verdict: string }[] = [
  { what: 'one reading of a meter', fields: {}, verdict: 'accepted' },
  { what: 'no parameters', fields: { command: 'doctor', parameters: '{}' }, verdict: 'accepted' },
  {
    what: 'a list',
    fields: { command: 'journal receipt', parameters: '{"indices":[0,41,42]}' },
    verdict: 'accepted',
  },
  {
    what: 'the last moment',
    fields: { notAfterMs: TIME_MS },
    verdict: 'accepted',
  },
  { what: 'ten minutes, the longest', fields: { notAfterMs: TIME_MS + 600_000 }, verdict: 'accepted' },
  { what: 'over', fields: { notAfterMs: TIME_MS - 1 }, verdict: 'remote.expired' },
  { what: 'too long', fields: { notAfterMs: TIME_MS + 600_001 }, verdict: 'remote.expired' },
  { what: 'another station', fields: { station: 'DE-ACME-0002' }, verdict: 'remote.other_station' },
  { what: 'another challenge', fields: { challenge: '00'.repeat(16) }, verdict: 'remote.stale' },
  {
    what: 'no such command',
    fields: { command: 'reboot', parameters: '{}' },
    verdict: 'remote.unknown_command',
  },
  {
    what: 'a key that may not',
    fields: { command: 'sync now', parameters: '{}' },
    verdict: 'remote.not_allowed',
  },
  { what: 'a parameter is missing', fields: { parameters: '{}' }, verdict: 'remote.bad_parameters' },
];

function vectorOf({ what, fields, verdict }: (typeof CASES)[number]): Vector {
  const all = { ...GOOD, ...fields };
  const envelope = signedOf(all, support);
  const { envelope: read } = readCommand(envelope);
  const { header, payload, sigStructure } = byHand(all, support.publicKey);
  return {
    ...{ what, fields: all, protectedHeader: hexOf(header), payload: hexOf(payload) },
    ...{ sigStructure: hexOf(sigStructure), signature: hexOf(read.signature), envelope: hexOf(envelope) },
    ...{ sha256: createHash('sha256').update(envelope).digest('hex'), verdict },
  };
}

function signedOf(fields: Fields, by: TestOperator): Uint8Array {
  const { challenge, nonce, parameters, ...rest } = fields;
  return signCommand(
    {
      ...{ ...rest, challenge: bytesOf(challenge), nonce: bytesOf(nonce) },
      parameters: JSON.parse(parameters) as object,
    },
    by,
  );
}

/** By the words of RFC 9052 §4.4 and docs/formats.cddl, with none of the product's code. */
function byHand(fields: Fields, publicKey: Uint8Array) {
  const cbor = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions);
  const keyId = createHash('sha256').update(publicKey).digest().subarray(0, 8);
  const header = cbor(
    new Map<number, unknown>([
      [1, -8],
      [3, 'application/vnd.delmonicos.command+cbor'],
      [4, new Uint8Array(keyId)],
    ]),
  );
  const payload = cbor(
    new Map<number, unknown>([
      [1, fields.station],
      [2, bytesOf(fields.challenge)],
      [3, bytesOf(fields.nonce)],
      [4, fields.notAfterMs],
      [5, fields.command],
      [6, fields.parameters],
    ]),
  );
  const sigStructure = cbor(['Signature1', header, new Uint8Array(0), payload]);
  const envelope = (signature: Uint8Array): Buffer =>
    Buffer.concat([Buffer.of(0xd2), cbor([header, new Map(), payload, signature])]);
  return { header, payload, sigStructure, envelope };
}

function othersOf(): Vectors['others'] {
  const good = signedOf(GOOD, support);
  const flipped = Uint8Array.from(good);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const { header, payload, sigStructure } = byHand(GOOD, support.publicKey);
  const signature = support.sign(sigStructure);
  const cbor = (value: unknown): Uint8Array => encode(value, rfc8949EncodeOptions);
  const untagged = cbor([header, new Map(), payload, signature]);
  const longer = Buffer.concat([good, Buffer.of(0)]);
  const other = (what: string, envelope: Uint8Array, verdict: string) => ({
    what,
    envelope: hexOf(envelope),
    verdict,
  });
  return [
    other('signed with a key that the station does not know', signedOf(GOOD, stranger), 'remote.unknown_key'),
    other('one bit of the signature is another', flipped, 'remote.bad_signature'),
    other('without the tag 18', untagged, 'remote.malformed'),
    other('a byte too many', longer, 'remote.malformed'),
    other('an empty message', new Uint8Array(0), 'remote.malformed'),
  ];
}

const MADE: Vectors = {
  about: 'Signed commands of Delmonicos Inside; docs/remote-commands.md. Bytes are hexadecimal.',
  key: {
    ...{ seed: RFC8032_SEED, publicKey: hexOf(support.publicKey), keyId: support.as('read').keyId },
    ...{ verifierKey: support.verifierKey, may: 'read' },
  },
  station: { name: GOOD.station, challenge: CHALLENGE, timeMs: TIME_MS, clock: 'S' },
  commands: CASES.map(vectorOf),
  others: othersOf(),
};
if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, `${JSON.stringify(MADE, null, 2)}\n`);
const KEPT = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;

function verdictOf(envelope: string): string {
  const { station, key } = KEPT;
  const judged = judgeCommand(
    bytesOf(envelope),
    { wallTimeMs: station.timeMs, clockStatus: station.clock },
    {
      ...{ station: station.name, challenge: station.challenge, usedNonces: new Set<string>() },
      operators: parseOperators([{ key: key.verifierKey, may: key.may }]),
    },
  );
  return judged.verdict === 'refused' ? judged.code : judged.verdict;
}

describe('the signed commands that are kept as bytes', () => {
  it('are what is made today', () => {
    expect(KEPT).toEqual(MADE);
    expect(KEPT.key.publicKey).toBe(RFC8032_PUBLIC_KEY);
  });

  it.each(KEPT.commands)('are what RFC 9052 says, made by hand: $what', ({ fields, ...vector }) => {
    const { header, payload, sigStructure, envelope } = byHand(fields, support.publicKey);
    expect([hexOf(header), hexOf(payload), hexOf(sigStructure)]).toEqual([
      ...[vector.protectedHeader, vector.payload, vector.sigStructure],
    ]);
    expect(hexOf(envelope(bytesOf(vector.signature)))).toBe(vector.envelope);
  });

  it('verify with another library', async () => {
    const x = Buffer.from(KEPT.key.publicKey, 'hex').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    for (const { envelope } of KEPT.commands)
      await expect(Sign1.decode(bytesOf(envelope)).verify(key)).resolves.toBeUndefined();
    const changed = KEPT.others.find(({ verdict }) => verdict === 'remote.bad_signature')?.envelope ?? '';
    await expect(Sign1.decode(bytesOf(changed)).verify(key)).rejects.toThrow();
  });

  it.each([...KEPT.commands, ...KEPT.others])(
    'are judged alike everywhere: $what',
    ({ envelope, verdict }) => {
      expect(verdictOf(envelope)).toBe(verdict);
    },
  );

  it.skipIf(noPython !== undefined)(`are what the Python on the page prints${noPython ?? ''}`, () => {
    const [, program = ''] = /^```python\n([^]*?)^```$/m.exec(readFileSync(PAGE, 'utf8')) ?? [];
    const { stdout, stderr } = spawnSync('python3', ['-'], { input: program, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe(KEPT.commands[0]?.envelope);
  });

  it('are those of docs/remote-commands.md', () => {
    const page = readFileSync(PAGE, 'utf8').replace(/\s/g, '');
    const [first] = KEPT.commands;
    const { key } = KEPT;
    for (const part of [key.seed, key.publicKey, key.keyId, key.verifierKey]) expect(page).toContain(part);
    for (const part of [
      'protectedHeader',
      'payload',
      'sigStructure',
      'signature',
      'envelope',
      'sha256',
    ] as const)
      expect(page, part).toContain(first?.[part]);
  });
});
