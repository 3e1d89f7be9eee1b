import { createPublicKey } from 'node:crypto';
import { Sign1 } from '@auth0/cose';
import { decode, encode } from 'cborg';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  judgeArrival,
  MAX_CONFIGURATION_BYTES,
  parseOemKeys,
  readConfiguration,
  signConfiguration,
  type ArrivalFacts,
  type SignedConfiguration,
} from '../../../src/provisioning/index.ts';
import { sealEnvelope } from '../../../src/identity/cose-envelope.ts';
import { hasCode } from '../../support/has-code.ts';
import { Oem } from '../../support/keys/oem.ts';

const oem = new Oem();
const stranger = new Oem('stranger');
const CONTENT: SignedConfiguration = { station: 'DE-1', sequence: 7, yaml: 'station: { name: DE-1 }\n' };

const FACTS: ArrivalFacts = {
  oemKeys: parseOemKeys(oem.keysFile),
  stationName: 'DE-1',
  publicKeys: ['ab'.repeat(32)],
  highestSequence: 6,
  presentId: null,
  failedId: null,
  wallTimeMs: Date.UTC(2026, 5, 1),
  clockStatus: 'S',
};
const verdict = (content: Partial<SignedConfiguration>, facts: Partial<ArrivalFacts> = {}, by = oem) => {
  const arrival = judgeArrival(readConfiguration(by.sign({ ...CONTENT, ...content })), {
    ...FACTS,
    ...facts,
  });
  return arrival.verdict === 'refused' ? arrival.code : arrival.verdict;
};

const anyContent = fc.record(
  {
    station: fc.oneof(fc.constant('*'), fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/)),
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    yaml: fc.string({ unit: 'grapheme', maxLength: 300 }),
    notBeforeMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
    notAfterMs: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  },
  { requiredKeys: ['station', 'sequence', 'yaml'] },
);

describe('a signed configuration', () => {
  it('says what was signed', () => {
    fc.assert(
      fc.property(anyContent, (content) => {
        expect(readConfiguration(oem.sign(content)).content).toEqual(content);
      }),
      { numRuns: 60 },
    );
  });

  it('is a COSE_Sign1 that another library verifies', async () => {
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(oem.publicKey).toString('base64url') },
      format: 'jwk',
    });
    const message = Sign1.decode(oem.sign(CONTENT));
    await expect(message.verify(key)).resolves.toBeUndefined();
  });

  it('with any one byte changed is not taken', () => {
    const bytes = oem.sign(CONTENT);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const damaged = Uint8Array.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        let outcome: string;
        try {
          outcome = judgeArrival(readConfiguration(damaged), FACTS).verdict;
        } catch (error) {
          expect(error).toEqual(hasCode('provisioning.config_malformed'));
          return;
        }
        expect(outcome).toBe('refused');
      }),
    );
  });

  it('is refused in any other encoding of the same content, and with anything behind it', () => {
    const bytes = oem.sign(CONTENT);
    const [header, , payload, signature] = decode(bytes.subarray(1), { useMaps: true }) as unknown[];
    const again = (parts: unknown[]) => Buffer.concat([Buffer.of(0xd2), encode(parts)]);
    expect(readConfiguration(again([header, new Map(), payload, signature])).content).toEqual(CONTENT);
    for (const other of [
      Buffer.concat([bytes, Buffer.of(0)]),
      bytes.subarray(1),
      again([header, new Map([[1, 1]]), payload, signature]),
      again([header, new Map(), payload]),
      again([header, new Map(), payload, (signature as Uint8Array).subarray(1)]),
    ])
      expect(() => readConfiguration(other)).toThrow(hasCode('provisioning.config_malformed'));
  });

  it('that is signed as something else, or has keys that nobody knows, is none', () => {
    const payload = new Map<number, string | number>([
      [1, 'DE-1'],
      [2, 7],
      [3, ''],
    ]);
    const type = 'application/vnd.delmonicos.config+cbor';
    expect(readConfiguration(sealEnvelope(type, payload, oem.key)).content.sequence).toBe(7);
    for (const bytes of [
      sealEnvelope('application/vnd.delmonicos.entry+cbor', payload, oem.key),
      sealEnvelope(type, new Map([...payload, [9, 1]]), oem.key),
      sealEnvelope(type, new Map([...payload, [2, 0]]), oem.key),
      sealEnvelope(type, new Map([...payload, [1, 'a/b']]), oem.key),
      sealEnvelope(type, new Map([[1, 'DE-1']]), oem.key),
    ])
      expect(() => readConfiguration(bytes)).toThrow(hasCode('provisioning.config_malformed'));
  });

  it('survives whatever bytes come, within its bound', () => {
    const nested = Uint8Array.from({ length: MAX_CONFIGURATION_BYTES }, () => 0x81);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(() => readConfiguration(bytes)).toThrow(hasCode('provisioning.config_malformed'));
      }),
    );
    expect(() => readConfiguration(nested)).toThrow(hasCode('provisioning.config_malformed'));
    expect(() => readConfiguration(new Uint8Array(MAX_CONFIGURATION_BYTES + 1))).toThrow(
      hasCode('provisioning.config_too_large'),
    );
    const large = { ...CONTENT, yaml: '#'.repeat(MAX_CONFIGURATION_BYTES) };
    expect(() => signConfiguration(large, oem.key)).toThrow(hasCode('provisioning.config_too_large'));
  });
});

describe('a configuration that arrives', () => {
  const MONTH = 30 * 86_400_000;
  const now = FACTS.wallTimeMs;
  it.each([
    ['from the OEM, for this station, with a higher number', {}, {}, 'new'],
    ['for any station', { station: '*' }, {}, 'new'],
    ['for a key of its log', { station: 'AB'.repeat(32) }, {}, 'new'],
    ['for another station', { station: 'DE-2' }, {}, 'provisioning.config_other_station'],
    ['for another key', { station: 'cd'.repeat(32) }, {}, 'provisioning.config_other_station'],
    ['with a number that was there', { sequence: 6 }, {}, 'provisioning.config_replayed'],
    ['with a lower number', { sequence: 1 }, {}, 'provisioning.config_replayed'],
    ['after its time', { notAfterMs: now - 1 }, {}, 'provisioning.config_expired'],
    ['before its time', { notBeforeMs: now + 1 }, {}, 'provisioning.config_not_yet'],
    ['within its time', { notBeforeMs: now - MONTH, notAfterMs: now + MONTH }, {}, 'new'],
    [
      'after its time by a clock that nobody vouches for',
      { notAfterMs: now - 1 },
      { clockStatus: 'I' },
      'new',
    ],
  ] as const)('%s is judged as it should be', (_what, content, facts, expected) => {
    expect(verdict(content, facts)).toBe(expected);
  });

  it('by a key that is not believed is refused, also where its id is', () => {
    expect(verdict({}, {}, stranger)).toBe('provisioning.config_unknown_key');
    expect(verdict({}, { oemKeys: [] })).toBe('provisioning.config_unknown_key');
    const read = readConfiguration(oem.sign(CONTENT));
    const forged = { ...read, envelope: { ...read.envelope, signature: new Uint8Array(64) } };
    expect(judgeArrival(forged, FACTS)).toMatchObject({ code: 'provisioning.config_bad_signature' });
  });

  it('is no news when it is in force, and is not tried twice when it failed', () => {
    const { id } = readConfiguration(oem.sign(CONTENT));
    expect(verdict({}, { presentId: id, highestSequence: 7 })).toBe('present');
    expect(verdict({}, { failedId: id, highestSequence: 7 })).toBe('provisioning.config_failed_before');
  });
});

describe('the keys of an OEM', () => {
  it('are verifier keys, one a line, with comments', () => {
    expect(parseOemKeys(oem.keysFile + stranger.keysFile).map(({ keyName }) => keyName)).toEqual([
      'acme-oem',
      'stranger',
    ]);
    expect(parseOemKeys('# none yet\n\n')).toEqual([]);
  });

  it('are refused whole when one of them is none', () => {
    for (const text of ['acme+00000000+AAAA', `${oem.keysFile}rubbish\n`, oem.keysFile.repeat(17)])
      expect(() => parseOemKeys(text)).toThrow(hasCode('provisioning.oem_keys_malformed'));
  });
});
