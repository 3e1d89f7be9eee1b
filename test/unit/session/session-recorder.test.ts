import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decimal,
  ENERGY_IMPORT,
  MeterError,
  obis,
  silentLog,
  StationError,
  type MeterSample,
  type Quality,
  type SignedMeterRecord,
} from '../../../hal/contract/index.ts';
import { identityFromSeed } from '../../../src/identity/index.ts';
import type { EntryOf, FaultBody, JournalEntry, JournalStamp } from '../../../src/journal/index.ts';
import { createOcmfRecord, readOcmf, verifyOcmf } from '../../../src/ocmf/index.ts';
import { SessionRecorder, viewOf, type Session, type SessionEntry } from '../../../src/session/index.ts';
import { hasCode } from '../../support/has-code.ts';

const IDENTITY = identityFromSeed(new Uint8Array(32).fill(9));
const METER_KEY = identityFromSeed(new Uint8Array(32).fill(10)).ocmf;
const KEY = Buffer.from(IDENTITY.ocmf.publicKeySpki).toString('hex');
const START_MS = Date.UTC(2027, 0, 1);

/** A station without hardware: meters, a journal in memory, and a clock, all scripted. */
class World {
  monoMs = 100_000;
  wallOffset = START_MS;
  clockStatus: 'S' | 'U' = 'S';
  bootCount = 1;
  wh = 1_000_000;
  serial = 'A1';
  quality: Quality = 'G';
  silent: string | undefined;
  /** Reads that fail before one does not. */
  failures = 0;
  reads = 0;
  /** Appends that fail from now on, each with an effect; `late` has taken effect all the same. */
  readonly appendFaults: ('none' | 'unknown' | 'late')[] = [];
  signed: SignedMeterRecord | undefined;
  registered: string | undefined;
  readonly entries: JournalEntry[] = [];
  recorder = this.start();

  start(): SessionRecorder {
    this.recorder = new SessionRecorder({
      station: { name: 'DE-ACME-0001', version: '0.1.0' },
      meters: {
        ids: ['evse1', 'evse2', 'evse3'],
        read: () => this.#read(),
        profileOf: () => 'test',
        readSigned: () => (this.signed === undefined ? undefined : Promise.resolve(this.signed)),
        registered: () =>
          this.registered === undefined ? undefined : { publicKey: this.registered, serial: 'A1' },
      },
      journal: {
        stamp: () => this.#stamp(),
        bootCount: this.bootCount,
        append: async (kind, body) => {
          this.monoMs++;
          const fault = this.appendFaults.shift();
          const error = new StationError('journal.test', 'refused', {
            remedy: 'retry',
            effect: fault === 'none' ? 'none' : 'unknown',
          });
          if (fault === 'none' || fault === 'unknown') throw error;
          this.entries.push({
            ...{ station: 'test', index: this.entries.length, kind, bootCount: this.bootCount, body },
            ...{ timeMs: this.wallOffset + this.monoMs, clock: this.clockStatus, sinceBootMs: this.monoMs },
          } as JournalEntry);
          if (fault === 'late') throw error;
          return this.entries.length - 1;
        },
      },
      history: () => this.sessionEntries().reverse(),
      entry: (index) => this.entries[index] as SessionEntry,
      signer: IDENTITY.ocmf,
      clock: { nowMonoMs: () => this.monoMs, sleep: async (ms) => void (this.monoMs += ms) },
      log: silentLog,
    });
    return this.recorder;
  }

  restart(): SessionRecorder {
    this.bootCount++;
    return this.start();
  }

  sessionEntries(): SessionEntry[] {
    return this.entries.filter(({ kind }) => kind.startsWith('session-')) as SessionEntry[];
  }

  faults(): string[] {
    const faults = this.entries.filter((entry): entry is EntryOf<'fault'> => entry.kind === 'fault');
    return faults.map(({ body }: { body: FaultBody }) => body.code);
  }

  #stamp(): JournalStamp {
    const { monoMs: sinceBootMs, clockStatus } = this;
    return { wallTimeMs: this.wallOffset + sinceBootMs, clockStatus, sinceBootMs };
  }

  async #read(): Promise<MeterSample> {
    this.reads++;
    const readBeginMonoMs = this.monoMs;
    this.monoMs += 50;
    // Another request may come in between.
    await Promise.resolve();
    if (this.failures > 0 && this.failures-- > 0) throw new MeterError('meter.timeout', 'no answer');
    if (this.silent !== undefined) throw new MeterError(this.silent as 'meter.timeout', 'no answer');
    const total = {
      obis: ENERGY_IMPORT,
      value: decimal(this.wh, 0),
      unit: 'Wh',
      quality: this.quality,
    } as const;
    const power = { obis: obis('1-0:16.7.0*255'), value: decimal(7, 3), unit: 'W', quality: 'G' } as const;
    const times = { readBeginMonoMs, readEndMonoMs: this.monoMs };
    return { meterSerial: this.serial, profileId: 'test', ...times, values: [power, total] };
  }
}

const BEGIN = { sessionId: 's1', evseId: 'DE*ACM*E1', meterId: 'evse1' };
const TOKEN = { type: 'ISO14443', data: '04A2B3C4' } as const;
const records = ({ begin, end }: Session): string =>
  [begin, end].flatMap((entry) => entry?.body.ocmf ?? []).join('\n');
const report = (session: Session) => {
  const { ok, checks } = verifyOcmf(records(session), { publicKey: KEY });
  return { ok, failed: checks.filter(({ result }) => result === 'fail').map(({ name }) => name) };
};

describe('a charging session', () => {
  it('begins and ends with signed records that belong together, exact to the last digit', async () => {
    const world = new World();
    await world.recorder.begin({ ...BEGIN, idToken: TOKEN });
    world.wh += 12_345;
    world.monoMs += 3_600_000;
    const session = await world.recorder.end({ sessionId: 's1', reason: 'local' });
    expect(report(session)).toEqual({ ok: true, failed: [] });
    expect(viewOf(session)).toMatchObject({
      ...{ state: 'ended', energyWh: '12345', meterId: 'evse1' },
      begin: { index: 0, totalWh: '1000000', quality: 'G', clock: 'S' },
      end: { index: 1, totalWh: '1012345', quality: 'G', clock: 'S' },
    });
    const [begin, end] = readOcmf(records(session)).map(({ record }) => record);
    expect([begin?.pagination?.number, end?.pagination?.number]).toEqual([1n, 2n]);
    expect([begin?.readings[0]?.reason, end?.readings[0]?.reason]).toEqual(['B', 'L']);
    expect(end?.user).toMatchObject({ assigned: true, type: 'ISO14443', data: '04A2B3C4' });
    // The time is that of the reading, by the clock of the entry.
    expect(begin?.readings[0]?.time).toEqual({ ms: START_MS + 100_050, offsetMinutes: 0, state: 'S' });
    expect(world.entries.map(({ kind }) => kind)).toEqual(['session-begin', 'session-end']);
  });

  it('is the same session when its begin or its end is asked for again, also at once, also after a restart', async () => {
    const world = new World();
    const [first, second] = await Promise.all([world.recorder.begin(BEGIN), world.recorder.begin(BEGIN)]);
    expect(second).toEqual(first);
    expect(await world.recorder.begin(BEGIN)).toEqual(first);
    world.restart();
    expect(await world.recorder.begin(BEGIN)).toEqual(first);
    expect(world.recorder.open()).toHaveLength(1);
    const end = { sessionId: 's1' };
    const [ended, again] = await Promise.all([world.recorder.end(end), world.recorder.end(end)]);
    expect(again).toEqual(ended);
    world.restart();
    expect(await world.recorder.end(end)).toEqual(ended);
    expect(await world.recorder.begin(BEGIN)).toEqual(ended);
    expect(world.entries).toHaveLength(2);
    expect(world.reads).toBe(2);
    expect(report(ended)).toEqual({ ok: true, failed: [] });
  });

  it('is refused where another is open, or where it is not what it was', async () => {
    const { recorder } = new World();
    await recorder.begin(BEGIN);
    const refused = (request: object, code: string) =>
      expect(recorder.begin({ ...BEGIN, ...request })).rejects.toThrow(hasCode(`session.${code}`));
    await refused({ evseId: 'other' }, 'conflict');
    await refused({ meterId: 'evse2' }, 'conflict');
    await refused({ sessionId: 's2', meterId: 'evse2' }, 'evse_busy');
    await refused({ sessionId: 's2', evseId: 'other' }, 'meter_busy');
    await refused({ sessionId: 's2', evseId: 'other', meterId: 'nine' }, 'unknown_meter');
    await expect(recorder.end({ sessionId: 's2' })).rejects.toThrow(hasCode('session.unknown'));
    expect(() => recorder.session('s2')).toThrow(hasCode('session.unknown'));
    await recorder.end({ sessionId: 's1' });
    await recorder.begin({ ...BEGIN, sessionId: 's2' });
  });

  it('ends when its end is asked for while it still begins, and is unknown when it did not begin', async () => {
    const world = new World();
    const begun = world.recorder.begin(BEGIN);
    const ended = await world.recorder.end({ sessionId: 's1' });
    expect(ended.begin).toEqual((await begun).begin);
    expect(ended.end).toBeDefined();
    expect(world.recorder.open()).toEqual([]);
    world.silent = 'meter.timeout';
    const refused = world.recorder.begin({ ...BEGIN, sessionId: 's2' });
    refused.catch(() => undefined);
    await expect(world.recorder.end({ sessionId: 's2' })).rejects.toThrow(hasCode('session.unknown'));
    await expect(refused).rejects.toThrow(hasCode('session.meter_unreadable'));
  });

  it('is refused while another request for its place is under way', async () => {
    const { recorder, entries } = new World();
    const first = recorder.begin(BEGIN);
    await expect(recorder.begin({ ...BEGIN, evseId: 'other' })).rejects.toThrow(hasCode('session.conflict'));
    await expect(recorder.begin({ ...BEGIN, sessionId: 's2' })).rejects.toThrow(hasCode('session.evse_busy'));
    await first;
    expect(entries).toHaveLength(1);
  });

  it('does not begin with a meter that does not answer, and one that answers at the third try is good', async () => {
    const world = new World();
    world.silent = 'meter.timeout';
    await expect(world.recorder.begin(BEGIN)).rejects.toThrow(hasCode('session.meter_unreadable'));
    expect(world.entries).toEqual([]);
    world.silent = undefined;
    world.failures = 2;
    expect(viewOf(await world.recorder.begin(BEGIN)).begin.quality).toBe('G');
  });

  it.each([
    ['meter.timeout', 'T'],
    ['line.closed', 'D'],
    ['meter.bad_frame', 'F'],
    ['meter.incompatible', 'I'],
  ])('ends without a value, and unbillable, when the meter is silent (%s is %s)', async (code, state) => {
    const world = new World();
    await world.recorder.begin(BEGIN);
    world.silent = code;
    const session = await world.recorder.end({ sessionId: 's1' });
    const [, end] = readOcmf(records(session)).map(({ record }) => record.readings[0]);
    expect(end).toMatchObject({ value: undefined, errorFlags: 'E', state });
    expect(viewOf(session)).toMatchObject({ energyWh: null, end: { totalWh: null, quality: 'N' } });
    expect(report(session).failed).toContain('error-flags');
    expect(world.faults()).toEqual(['session.meter_silent']);
  });

  it.each<[string, (world: World) => void, string, string | undefined]>([
    ['doubtful', (world) => void (world.quality = 'O'), 'O', undefined],
    ['of another meter', (world) => void (world.serial = 'B2'), 'X', 'session.meter_changed'],
    ['lower than at the begin', (world) => void (world.wh -= 1), 'O', 'session.energy_fell'],
  ])('keeps and marks a value that is %s', async (_, change, state, fault) => {
    const world = new World();
    await world.recorder.begin(BEGIN);
    change(world);
    const session = await world.recorder.end({ sessionId: 's1' });
    const end = readOcmf(records(session)).at(-1)?.record.readings[0];
    expect(end).toMatchObject({ errorFlags: 'E', state, value: { amount: decimal(world.wh) } });
    expect(viewOf(session).energyWh).toBe(null);
    expect(report(session).ok).toBe(false);
    expect(world.faults()).toEqual(fault === undefined ? [] : [fault]);
  });

  it('marks a begin whose total is not good', async () => {
    const world = new World();
    world.quality = 'E';
    const session = await world.recorder.begin(BEGIN);
    expect(readOcmf(records(session))[0]?.record.readings[0]).toMatchObject({ errorFlags: 'E', state: 'E' });
  });

  it.each<[string, (world: World) => void, string]>([
    ['no clock was synchronised and it was set', (world) => void (world.wallOffset += 5_000), 't'],
    ['no clock was synchronised and it ran on', () => {}, ''],
    ['the station started anew', (world) => void world.restart(), 't'],
  ])('says of the time that it is not to be billed when %s', async (_, happen, flags) => {
    const world = new World();
    world.clockStatus = 'U';
    await world.recorder.begin(BEGIN);
    happen(world);
    const session = await world.recorder.end({ sessionId: 's1' });
    expect(readOcmf(records(session)).at(-1)?.record.readings[0]?.errorFlags).toBe(flags);
  });

  it('is not to be had without its entry on disk, and is found when the journal has it after all', async () => {
    const world = new World();
    world.appendFaults.push('none');
    await expect(world.recorder.begin(BEGIN)).rejects.toThrow(hasCode('journal.test'));
    world.appendFaults.push('unknown');
    await expect(world.recorder.begin(BEGIN)).rejects.toThrow(hasCode('journal.test'));
    world.appendFaults.push('late');
    await world.recorder.begin(BEGIN);
    world.appendFaults.push('late');
    const session = await world.recorder.end({ sessionId: 's1' });
    expect(world.entries).toHaveLength(2);
    expect(report(session)).toEqual({ ok: true, failed: [] });
  });

  it('numbers the records of each meter by themselves, so that sessions side by side have no gaps', async () => {
    const world = new World();
    const sessions: Session[] = [];
    for (let round = 0; round < 3; round++) {
      for (const id of ['evse1', 'evse2']) {
        world.serial = id;
        await world.recorder.begin({ sessionId: `${id}-${round}`, evseId: id, meterId: id });
      }
      world.restart();
      for (const id of ['evse1', 'evse2']) {
        world.serial = id;
        sessions.push(await world.recorder.end({ sessionId: `${id}-${round}` }));
      }
    }
    for (const session of sessions) expect(report(session)).toEqual({ ok: true, failed: [] });
    const ofOneMeter = sessions.filter(({ evseId }) => evseId === 'evse1');
    const pages = readOcmf(ofOneMeter.map(records).join('\n')).map(({ record }) => record.pagination?.number);
    expect(pages).toEqual([1n, 2n, 3n, 4n, 5n, 6n]);
  });

  it('gives no number twice, even to two at once that hear of one serial number', async () => {
    const world = new World();
    const at = (id: string) => ({ sessionId: id, evseId: id, meterId: id });
    const sessions = await Promise.all(['evse1', 'evse2', 'evse3'].map((id) => world.recorder.begin(at(id))));
    const pages = readOcmf(sessions.map(records).join('\n')).map(({ record }) => record.pagination?.number);
    expect(new Set(pages)).toEqual(new Set([1n, 2n, 3n]));
  });

  it('loses and doubles nothing, whatever is asked, fails or restarts (any order)', async () => {
    const event = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ do: fc.constant('begin' as const), id: fc.nat(3), at: fc.nat(2) }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('end' as const), id: fc.nat(3), at: fc.nat(2) }) },
      fc.record({
        do: fc.constantFrom('restart' as const, 'charge' as const, 'silence' as const),
        id: fc.nat(3),
        at: fc.nat(2),
      }),
      fc.record({
        do: fc.constantFrom('none' as const, 'unknown' as const, 'late' as const),
        id: fc.nat(3),
        at: fc.nat(2),
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 30 }), async (events) => {
        const world = new World();
        const promised = new Map<string, number>();
        for (const { do: what, id, at } of events) {
          const sessionId = `s${id}`;
          if (what === 'restart') world.restart();
          else if (what === 'charge') world.wh += 10;
          else if (what === 'silence')
            world.silent = world.silent === undefined ? 'meter.timeout' : undefined;
          else if (what === 'begin' || what === 'end') {
            const asked =
              what === 'begin'
                ? world.recorder.begin({ sessionId, evseId: `e${at}`, meterId: `evse${at + 1}` })
                : world.recorder.end({ sessionId });
            const answer = await asked.catch((error: unknown) => error);
            if (!(answer instanceof Error)) {
              const { begin, end } = answer as Session;
              const index = what === 'begin' ? begin.index : end?.index;
              // What was promised once is promised again, and nothing else.
              expect(index).toBe(promised.get(`${what} ${sessionId}`) ?? index);
              promised.set(`${what} ${sessionId}`, index ?? -1);
            } else expect(answer).toBeInstanceOf(StationError);
          } else world.appendFaults.push(what);
        }
        const kinds = new Map<string, string[]>();
        for (const { kind, body } of world.sessionEntries()) {
          kinds.set(body.sessionId, [...(kinds.get(body.sessionId) ?? []), kind]);
        }
        for (const found of kinds.values()) {
          expect([['session-begin'], ['session-begin', 'session-end']]).toContainEqual(found);
        }
        for (const [key, index] of promised) {
          const [what, sessionId] = key.split(' ');
          expect(world.entries[index]).toMatchObject({ kind: `session-${what}`, body: { sessionId } });
        }
        // One open session at each place, and the same ones for a new start.
        const before = world.recorder.open().map(({ sessionId }) => sessionId);
        expect(new Set(world.recorder.open().map(({ evseId }) => evseId)).size).toBe(before.length);
        expect(
          world
            .restart()
            .open()
            .map(({ sessionId }) => sessionId),
        ).toEqual(before);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a meter that signs by itself', () => {
  const meterRecord = (serial = 'A1'): string =>
    createOcmfRecord(
      {
        pagination: { context: 'T', number: 7 },
        meter: { serial },
        user: { assigned: false, type: 'NONE' },
        readings: [
          {
            time: { ms: START_MS, state: 'S' },
            reason: 'B',
            value: { amount: decimal(1_000_000), obis: ENERGY_IMPORT, unit: 'Wh' },
            state: 'G',
          },
        ],
      },
      METER_KEY,
    );
  const registeredKey = Buffer.from(METER_KEY.publicKeySpki).toString('hex');

  it.each<[string, Partial<SignedMeterRecord>, string | undefined, string]>([
    ['believed when its registered key signed it', {}, registeredKey, 'verified'],
    ['not believed without a key', {}, undefined, 'no-key'],
    ['not believed by another key', {}, KEY, 'refused'],
    [
      'not believed when a digit was changed',
      { data: meterRecord().replace('1000000', '1000001') },
      registeredKey,
      'refused',
    ],
    ['not believed when it is of another meter', { data: meterRecord('Z9') }, registeredKey, 'refused'],
    ['not believed in a format that nobody here knows', { format: 'EDL40' }, registeredKey, 'refused'],
    ['not believed when it is noise', { data: 'OCMF|{' }, registeredKey, 'refused'],
    [
      'read in hex',
      { encoding: 'hex', data: Buffer.from(meterRecord()).toString('hex') },
      registeredKey,
      'verified',
    ],
  ])('is %s; its record is kept as it came', async (_, change, key, result) => {
    const world = new World();
    world.signed = { format: 'OCMF', encoding: 'text', data: meterRecord(), ...change };
    world.registered = key;
    const session = await world.recorder.begin(BEGIN);
    expect(session.begin.body.meterRecord).toMatchObject({ ...world.signed, result });
    expect(world.faults()).toEqual(result === 'verified' ? [] : ['session.meter_record_unverified']);
    expect(viewOf(session).begin.meterRecord?.result).toBe(result);
  });
});
