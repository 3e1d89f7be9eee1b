// docs/formats.cddl is for people who write their own verifier: it must name what is really written.
import { readFileSync } from 'node:fs';
import { decode, Tagged } from 'cborg';
import { describe, expect, it } from 'vitest';
import { QUALITIES, UNITS } from '../../../hal/contract/index.ts';
import { rotationStatement, signRotation } from '../../../src/journal/entry/key-rotation.ts';
import {
  CLOCK_STATUSES,
  encodeEntry,
  RETENTION_REASONS,
  type EntryBodies,
  type EntryKind,
  type RetentionGapBody,
} from '../../../src/journal/index.ts';
import { ORIGIN, reading, SIGNER, START_MS } from '../../support/journal/journal-fixture.ts';

const cddl = readFileSync(new URL('../../../docs/formats.cddl', import.meta.url), 'utf8').replace(/;.*/g, '');

/** Text of a rule, up to the next one. */
function rule(name: string): string {
  const text = new RegExp(`^${name} = ([^]*?)(?=^\\S+ = |(?![^]))`, 'm').exec(cddl)?.[1];
  if (text === undefined) throw new Error(`docs/formats.cddl has no rule ${name}`);
  return text;
}
const keysOf = (text: string) =>
  [...text.matchAll(/(?<=[{,(]|^)\s*(?:\? )?(\d+) =>/gm)].map(([, key]) => Number(key));
const choicesOf = (text: string) => [...text.matchAll(/"([^"]+)"/g)].map(([, choice]) => choice);

const meterRecord = {
  format: 'OCMF',
  encoding: 'text',
  data: 'OCMF|{}|{}',
  result: 'refused',
  why: 'w',
} as const;
const session = {
  sessionId: 's',
  evseId: 'e',
  reading: reading(1),
  ocmf: 'OCMF|{}|{}',
  meterId: 'm',
  meterRecord,
};
const FULL: EntryBodies = {
  boot: {
    ...{ bootId: new Uint8Array(16), software: 'x', birthKey: new Uint8Array(32) },
    ...{ birth: { chainAccount: new Uint8Array(32), ocmfKey: new Uint8Array(65) }, opening: 1 },
  },
  reading: reading(1),
  'meter-swap': { meterId: 'm', profileId: 'p', oldSerial: '1', newSerial: '2' },
  'clock-step': {
    ...({ stepMs: -5, before: 'U', after: 'S', reason: 'set' } as const),
    source: 'kernel',
    maxErrorMs: 9,
  },
  config: { digest: new Uint8Array(32), reason: 'start' },
  gap: { meterId: 'm', fromMonoMs: 1, toMonoMs: 2, missing: 1, reason: 'meter.timeout' },
  'session-begin': session,
  'session-end': session,
  tariff: { tariffId: 't', sessionId: 's', tariff: '{}' },
  fault: {
    ...{ code: 'x', message: 'y', facts: [{ name: 'a', value: 'b' }] },
    ...{ holes: [{ from: 0, to: 1 }], tree: { size: 1, root: new Uint8Array(32) } },
  },
  command: {
    ...{ command: 'doctor', operator: 'o', digest: new Uint8Array(32) },
    ...({ outcome: 'refused', code: 'remote.expired', count: 2 } as const),
  },
};
const bodyRules = new Map(
  [...rule('entry-kind').matchAll(/3 => "([^"]+)", 7 => ([a-z-]+)/g)].map(([, kind, body]) => [kind, body]),
);

const RETENTION_GAP: RetentionGapBody = {
  ...{
    reason: 'retention.thinned',
    ranges: [{ from: 1, to: 3 }],
    dropped: [{ kind: 'reading', entries: 2 }],
  },
  ...{ stretch: { from: 0, to: 256 }, keepSpan: 256, root: new Uint8Array(32) },
};
const ROTATION = signRotation({ origin: ORIGIN, index: 1 }, SIGNER.publicKey, SIGNER);

/** The payload of an entry with every optional field there. */
function payloadOf<K extends EntryKind>(kind: K, body: EntryBodies[K] = FULL[kind]): Map<number, unknown> {
  const stamp = {
    station: ORIGIN,
    index: 1,
    timeMs: START_MS,
    clock: 'S' as const,
    bootCount: 1,
    sinceBootMs: 5,
    ...(kind === 'reading' ? {} : { previous: 0 }),
  };
  const cose = encodeEntry({ ...stamp, kind, body } as never, SIGNER);
  const options = { useMaps: true, tags: Tagged.preserve(4, 18) };
  const [, , payload] = (decode(cose, options) as Tagged).value as Uint8Array[];
  return decode(payload!, options) as Map<number, unknown>;
}

describe('docs/formats.cddl', () => {
  it('knows every kind of entry, and no other', () => {
    expect([...bodyRules.keys()]).toEqual(Object.keys(FULL));
  });

  it.each(Object.keys(FULL) as EntryKind[])('names the keys of a %s entry', (kind) => {
    const payload = payloadOf(kind);
    const expected = [...keysOf(rule('entry-payload')), 3, 7].sort();
    expect([...payload.keys()]).toEqual(kind === 'reading' ? expected.filter((key) => key !== 8) : expected);
    const keys = new Set((payload.get(7) as Map<number, unknown>).keys());
    // The one body with an either-or.
    if (kind === 'config') keys.add(3);
    expect([...keys]).toEqual(keysOf(rule(kind === 'gap' ? 'meter-gap' : bodyRules.get(kind)!)));
  });

  it('names the keys of a gap that retention left, and every reason for it', () => {
    const body = payloadOf('gap', RETENTION_GAP).get(7) as Map<number, unknown>;
    expect(rule('gap-body').trim()).toBe('meter-gap / retention-gap');
    expect([...body.keys()]).toEqual(keysOf(rule('retention-gap')));
    expect(choicesOf(rule('retention-gap').split('\n')[1]!)).toEqual([...RETENTION_REASONS]);
  });

  it('names the keys of a rotation and of what the new key signs', () => {
    const payload = payloadOf('config', { reason: 'rotation', rotation: ROTATION });
    const body = payload.get(7) as Map<number, Map<number, unknown>>;
    expect([...body.keys()]).toEqual([2, 3]);
    expect([...body.get(3)!.keys()]).toEqual(keysOf(rule('key-rotation')));
    const statement = decode(rotationStatement({ origin: ORIGIN, index: 1 }, ROTATION)) as unknown[];
    const [domain, ...parts] = [...rule('rotation-statement').matchAll(/"([^"]+)"|^ +([a-z-]+):/gm)];
    expect(statement[0]).toBe(domain?.[1]);
    expect(parts.map(([, , name]) => name)).toEqual([
      ...['origin', 'index', 'old-key', 'new-key', 'chain-account', 'ocmf-key'],
    ]);
    expect(statement).toHaveLength(1 + parts.length);
  });

  it('names the keys of a birth', () => {
    const birth = (payloadOf('boot').get(7) as Map<number, Map<number, unknown>>).get(4);
    expect([...birth!.keys()]).toEqual(keysOf(rule('birth-keys')));
  });

  it('names every unit, quality and clock status', () => {
    const [units = '', qualities = ''] =
      /unit: (.*)\n\s*quality: (.*)/.exec(rule('measured-value'))?.slice(1) ?? [];
    expect(choicesOf(units)).toEqual([...UNITS]);
    expect(choicesOf(qualities)).toEqual(Object.keys(QUALITIES));
    expect(choicesOf(rule('clock-status'))).toEqual([...CLOCK_STATUSES]);
  });
});
