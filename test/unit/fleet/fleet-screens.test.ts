import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { problemsOfMessages } from '../../support/telemetry/contract-check.ts';
import { anyText } from '../../support/fleet/any-text.ts';
import {
  Fleet,
  Panel,
  painted,
  type FleetMessage,
  type LinkView,
  type Paint,
  type Size,
} from '../../../src/fleet/index.ts';
import {
  FLEET_MESSAGES,
  LOOKED_AT,
  message,
  NOW_MS,
  online,
  STATION_MESSAGES,
} from '../../support/fleet/recorded-messages.ts';

const LINK: LinkView = { broker: 'broker.example:8883', connected: true, failure: null, refused: null };
const PLAIN: Paint = { colour: false, styles: false, unicode: true };

interface Shown {
  readonly messages?: readonly FleetMessage[];
  readonly station?: string | null;
  readonly typed?: string;
  readonly link?: LinkView;
  readonly paint?: Paint;
}

function shown(
  size: Size,
  { messages = FLEET_MESSAGES, station = null, typed = '', link = LINK, paint = PLAIN }: Shown,
): string {
  const fleet = new Fleet();
  fleet.watch(station);
  for (const one of messages) fleet.receive(one);
  const panel = new Panel(fleet, station);
  for (const letter of typed) panel.press({ typed: letter }, size, link, NOW_MS);
  const lines = panel.screen(size, link, NOW_MS);
  expect(lines).toHaveLength(size.rows);
  return `${lines.map((line) => painted(line, paint).trimEnd()).join('\n')}\n`;
}

const OF_STATION = { messages: STATION_MESSAGES, station: LOOKED_AT };
const SCREENS: readonly (readonly [name: string, size: Size, what: Shown])[] = [
  ['fleet-80x24', { columns: 80, rows: 24 }, {}],
  ['fleet-200x60', { columns: 200, rows: 60 }, {}],
  ['fleet-40x10', { columns: 40, rows: 10 }, {}],
  ['fleet-filter', { columns: 80, rows: 12 }, { typed: '/acme 000' }],
  [
    'fleet-not-connected',
    { columns: 80, rows: 12 },
    { link: { ...LINK, connected: false, failure: 'fleet.unreachable' } },
  ],
  ['fleet-empty', { columns: 80, rows: 12 }, { messages: [message('a', 'status', '{')] }],
  ['fleet-colour', { columns: 100, rows: 12 }, { paint: { ...PLAIN, colour: true, styles: true } }],
  ['station-80x24', { columns: 80, rows: 24 }, OF_STATION],
  ['station-100x80', { columns: 100, rows: 80 }, OF_STATION],
  ['station-200x60', { columns: 200, rows: 60 }, OF_STATION],
  ['station-ascii', { columns: 100, rows: 40 }, { ...OF_STATION, paint: { ...PLAIN, unicode: false } }],
  ['station-log', { columns: 100, rows: 20 }, { ...OF_STATION, typed: 'l' }],
  ['station-unheard', { columns: 80, rows: 12 }, { messages: [], station: 'nobody' }],
  ['help', { columns: 80, rows: 24 }, { typed: '?' }],
];

describe('a screen', () => {
  it.each(SCREENS)('shows what was recorded: %s', async (name, size, what) => {
    const picture = shown(size, what);
    for (const line of picture.split('\n'))
      if (what.paint?.styles !== true) expect([...line].length).toBeLessThanOrEqual(size.columns);
    await expect(picture).toMatchFileSnapshot(`../../vector/fleet/${name}.txt`);
  });

  it('has no colour where none is wanted, and marks the row all the same', () => {
    const plain = shown({ columns: 80, rows: 12 }, { paint: { ...PLAIN, styles: true } });
    const codes = [...plain.matchAll(/\u001b\[([0-9;]*)m/g)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(4);
    expect(codes.filter((code) => !['0', '1', '2', '7'].includes(code ?? ''))).toEqual([]);
    expect(plain).toContain('▸');
  });

  it('scrolls to the end of a station, and no further', () => {
    const size = { columns: 80, rows: 24 };
    const fleet = new Fleet();
    fleet.watch(LOOKED_AT);
    for (const one of STATION_MESSAGES) fleet.receive(one);
    const panel = new Panel(fleet, LOOKED_AT);
    const text = (): string[] => panel.screen(size, LINK, NOW_MS).map((line) => painted(line, PLAIN));
    for (let press = 0; press < 9; press++) panel.press('pageDown', size, LINK, NOW_MS);
    const end = text();
    expect(end.at(-2)).toContain('14:12:30');
    panel.press('end', size, LINK, NOW_MS);
    expect(text()).toEqual(end);
    panel.press('home', size, LINK, NOW_MS);
    expect(text()[3]).toContain('health');
  });
});

describe('what was recorded', () => {
  it('is what the contract of telemetry allows', () => {
    const recorded = [...FLEET_MESSAGES, ...STATION_MESSAGES].map(({ topic, payload }) => ({
      topic,
      payload: Buffer.from(payload).toString('utf8'),
    }));
    expect(problemsOfMessages(recorded)).toEqual([]);
  });

  it.each(['fleet-80x24', 'station-100x80'])('stands in docs/top.md as it is drawn: %s', (name) => {
    const root = path.resolve(import.meta.dirname, '../../..');
    const page = readFileSync(path.join(root, 'docs/top.md'), 'utf8');
    const shownThere = new RegExp(`<!-- screen: ${name} -->\\n\\n\`\`\`text\\n([^\`]*)\`\`\``).exec(
      page,
    )?.[1];
    expect(shownThere?.trimEnd()).toBe(
      readFileSync(path.join(root, `test/vector/fleet/${name}.txt`), 'utf8').trimEnd(),
    );
  });
});

describe('what a stranger says', () => {
  const hostile = fc.oneof(
    anyText(),
    fc.constantFrom(
      '\u001b[2J\u001b[H',
      '\u009b31m',
      '\r\nFAULT',
      '\u202egnirts',
      '\u200d\ufe0f',
      'a\u0300\u0301\u0302\u0303',
      '🇩🇪👩‍👩‍👧',
      '\u0007\b\b',
      '漢字',
    ),
  );

  it('cannot move the cursor, whatever field it stands in', () => {
    fc.assert(
      fc.property(hostile, hostile, (one, other) => {
        const said = (below: string, document: object): FleetMessage =>
          message('a', below, document, { retained: false });
        const item = {
          check: one,
          subject: other,
          state: 'fault',
          code: one,
          detail: other,
          advice: one,
          sinceMs: 1,
        };
        const messages = [
          said('status', online(one, { version: one, boot: { count: 1, reason: other }, mqtt: one })),
          said('health', { state: 'fault', asOfMs: 2, items: [item] }),
          said('sync', {
            states: [one],
            failure: other,
            lastAnchor: { block: 1, via: one },
            advice: one,
            faults: [one],
            outbox: { x: 1 },
          }),
          said('state', {
            clock: one,
            time: 1e300,
            configHash: other,
            configuration: { source: one, signedBy: other },
          }),
          said('config/result', { result: one, code: other, message: one }),
          said('health/change', { type: 'raise', code: one, subject: other, detail: one }),
          said('log', {
            level: 'error',
            event: one,
            fields: { [other]: one, list: [one, { [one]: other }] },
          }),
          said('meters/m/status', { state: 'silent', failure: one, meter: { serial: other, profile: one } }),
          said('meters/m/sample', {
            boot: 1,
            readBeginMs: 1,
            readEndMs: 2,
            values: [{ obis: one, value: '1', unit: other, quality: one }],
          }),
          said('lines/l/status', { state: one, failure: other, errors: { [one]: 1 }, line: { device: one } }),
          { ...said('status', {}), topic: `${one}/${other}` },
        ];
        for (const station of [null, 'a'])
          for (const typed of ['', 'l']) {
            const picture = shown({ columns: 90, rows: 70 }, { messages, station, typed });
            expect(picture.replace(/\n/g, '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
            expect(picture.split('\n')).toHaveLength(71);
          }
      }),
      { numRuns: 25 },
    );
  });
});
