// A station in process, a meter, a broker, and somebody with a key at it: each command, answered.
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTlogProof, verifyCheckpoint, verifyJournal } from '../../../src/journal/index.ts';
import { COMMANDS, type ResponsePart } from '../../../src/remote/index.ts';
import { verifyReceipt } from '../../../src/receipt/index.ts';
import { codeOf, resultOf } from '../../support/remote/asker.ts';
import { ACTOR, commandedStation, type CommandedStation } from '../../support/remote/commanded-station.ts';

const COMMANDS_ASKED = new Set<string>();
let world: CommandedStation;
const ownStation = (): void => {
  beforeAll(async () => {
    world = await commandedStation();
    await world.asker.heard('meters/evse1/sample');
  });
  // Whatever was asked is on record, and the log is whole.
  afterAll(async () => {
    await world.station.flush();
    const commands = world.entries().flatMap((entry) => (entry.kind === 'command' ? [entry.body] : []));
    for (const { command, outcome, operator } of commands) {
      expect({ outcome, operator }).toEqual({ outcome: 'accepted', operator: 'desk.example.com/actor' });
      COMMANDS_ASKED.add(command);
    }
    expect(await verifyJournal(world.stateDirectory)).toMatchObject({ ok: true });
    await world.stop();
  });
};

describe('a station that is asked what it sees', () => {
  ownStation();

  it('tells its health list, in parts of the form of the document', async () => {
    const result = resultOf<{
      state: string;
      items: { check: string; code: string | null }[];
      station: object;
    }>(await world.asker.ask('doctor'));
    expect(result.station).toMatchObject({ name: 'T-1', version: '0.2.0' });
    const meter = result.items.find(({ check }) => check === 'meter');
    expect(meter).toMatchObject({ subject: 'evse1', state: 'ok', code: null });
  });

  it('reads a meter without putting the reading on record', async () => {
    const answer = resultOf<{ meter: object; readEndMs: number; values: { obis: string; value: string }[] }>(
      await world.asker.ask('meter read', { meter: 'evse1' }),
    );
    expect(answer.meter).toEqual({ id: 'evse1', serial: '41200009', profile: 'abb-b23' });
    expect(answer.values.find(({ obis }) => obis === '1-0:1.8.0*255')?.value).toMatch(/^\d+(\.\d+)?$/);
    const ends = world
      .entries()
      .flatMap((entry) => (entry.kind === 'reading' ? [entry.body.readEndMonoMs] : []));
    expect(ends.map(Number)).not.toContain(Math.round(answer.readEndMs));
    expect(codeOf(await world.asker.ask('meter read', { meter: 'other' }))).toBe('remote.bad_parameters');
  });

  it('shows the frames on a line while metering goes on, with what they mean', async () => {
    const before = world.asker.count('meters/evse1/sample');
    const { parts } = await world.asker.ask('meter trace', { meter: 'evse1', forMs: 500 });
    const frames = parts.flatMap((part) =>
      part.ok ? (part.result as { frames: { direction: string; values?: object }[] }).frames : [],
    );
    expect(frames.map(({ direction }) => direction)).toEqual(expect.arrayContaining(['out', 'in']));
    expect(frames.some(({ values = {} }) => '1-0:1.8.0*255' in values)).toBe(true);
    expect(parts.at(-1)).toMatchObject({
      ...{ last: true, ok: true },
      result: { meter: 'evse1', left: 0, others: 0, reading: { ok: true } },
    });
    await world.asker.heard(
      'meters/evse1/sample',
      () => world.asker.count('meters/evse1/sample') > before + 1,
    );
  });

  it('tells the figures of the log, and proves an entry against a signed tree', async () => {
    const stat = resultOf<{ size: number; publicKey: string; origin: string; flash: object }>(
      await world.asker.ask('journal stat'),
    );
    expect(stat.flash).toHaveProperty('written');
    const of = { origin: stat.origin, publicKey: new Uint8Array(Buffer.from(stat.publicKey, 'hex')) };
    const sizes = [undefined, 2].map(async (size) => {
      const asked = { index: 1, ...(size !== undefined && { size }) };
      const { proof } = resultOf<{ proof: string }>(await world.asker.ask('journal proof', asked));
      const { index, checkpoint } = parseTlogProof(proof);
      expect(index).toBe(1);
      return verifyCheckpoint(checkpoint, of).size;
    });
    const [whole = 0, small] = await Promise.all(sizes);
    expect(whole).toBeGreaterThanOrEqual(stat.size);
    expect(small).toBe(2);
    expect(codeOf(await world.asker.ask('journal proof', { index: 1e9 }))).toBe('journal.out_of_range');
  });

  it('hands out entries as they are signed, for as long as there is credit', async () => {
    const asked = await world.asker.ask('journal entries', { from: 0, to: 2, credit: 4 });
    expect(resultOf(asked)).toMatchObject({ end: 'complete', next: 2 });
    expect(world.asker.count(`entries/${asked.parts[0]?.request}/0`)).toBe(1);
  });
});

describe('a station that is asked to do something, and where to answer', () => {
  ownStation();

  it('hands out a receipt in parts, whole and verifiable, numbered without a gap and each small enough', async () => {
    const asked = await world.asker.ask('journal receipt', {
      indices: [0, 1, 2],
    });
    expect(asked.parts.map(({ part }) => part)).toEqual(asked.parts.map((_part, i) => i));
    expect(asked.parts.filter(({ last }: ResponsePart) => last)).toHaveLength(1);
    for (const part of asked.parts) expect(JSON.stringify(part).length).toBeLessThanOrEqual(16_384);
    const { size, sha256 } = resultOf<{ size: number; sha256: string }>(asked);
    const text = asked.parts
      .flatMap((part) => (part.ok && !part.last ? [(part.result as { text: string }).text] : []))
      .join('');
    expect(Buffer.byteLength(text)).toBe(size);
    expect(createHash('sha256').update(text).digest('hex')).toBe(sha256);
    expect(verifyReceipt(text).checks.filter(({ result }) => result === 'fail')).toEqual([]);
  });

  it('says that it does not sync where no chain is configured', async () => {
    expect(codeOf(await world.asker.ask('sync now'))).toBe('control.no_sync');
  });

  it('is watched for as long as it is asked to, and only a meter that it has', async () => {
    const { meter, untilMs, forMs } = resultOf<{ meter: string; untilMs: number; forMs: number }>(
      await world.asker.ask('meter watch', { meter: 'evse1', forMs: 60_000 }),
    );
    expect([meter, forMs]).toEqual(['evse1', 60_000]);
    expect(untilMs).toBeGreaterThan(60_000);
    expect(codeOf(await world.asker.ask('meter watch', { meter: 'other', forMs: 1 }))).toBe(
      'remote.bad_parameters',
    );
  });

  it('publishes lines of a lower level for a while, and none of what tells of the link itself', async () => {
    const raised = resultOf(await world.asker.ask('log level', { level: 'info', forMs: 60_000 }));
    expect(raised).toMatchObject({ level: 'info', configured: 'warning' });
    await world.asker.ask('doctor');
    const line = await world.asker.heard<{ event: string }>(
      'log',
      ({ event }) => event === 'remote.accepted',
    );
    expect(line).toMatchObject({
      level: 'info',
      fields: { operator: 'desk.example.com/actor' },
      clock: 'S',
    });
  });

  it('answers where it is asked to below response/, with the correlation data, and nowhere else', async () => {
    const { asker } = world;
    const correlationData = Buffer.from('0102', 'hex');
    const mine = await asker.ask(
      'journal stat',
      {},
      { responseTopic: asker.full('response/desk-7'), correlationData },
    );
    expect([...mine.topics]).toEqual([asker.full('response/desk-7')]);
    expect(new Set(mine.correlation)).toEqual(new Set(['0102']));
    const responseTopic = 'delmonicos/v1/OTHER/response/x';
    const other = await asker.ask('journal stat', {}, { responseTopic, correlationData: Buffer.alloc(65) });
    expect([...other.topics]).toEqual([asker.full(`response/${other.parts[0]?.request}`)]);
    expect(other.correlation).toEqual(['']);
  });

  it('answers who speaks MQTT 3.1.1, and so has no way to say where, on a topic that is named after the command', async () => {
    const old = await world.askerAs(ACTOR, 4);
    const asked = await old.ask('doctor');
    resultOf(asked);
    expect([...asked.topics]).toEqual([old.full(`response/${asked.parts[0]?.request}`)]);
  });
});

it('has put every command on record', () => {
  expect([...COMMANDS_ASKED].sort()).toEqual(Object.keys(COMMANDS).sort());
});
