import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decimal,
  ENERGY_IMPORT,
  MeterError,
  POWER_ACTIVE,
  silentLog,
  type EnergyMeter,
  type MeterSample,
} from '../../hal/contract/index.ts';
import {
  startMetering,
  type Metering,
  type EvidenceLog,
  type MeteringEvent,
} from '../../src/metering/index.ts';
import {
  FAILURES_BEFORE_FAULT,
  stepAvailability,
  UNKNOWN_AVAILABILITY,
  type Availability,
} from '../../src/metering/meter-availability.ts';
import { judgeSample } from '../../src/metering/plausibility.ts';
import { firstSlot, nextSlot } from '../../src/metering/schedule.ts';
import { systemMonotonicClock } from '../../src/service/index.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

function sample(energyWh: number | bigint, endMonoMs: number, meterSerial = 'A1'): MeterSample {
  return {
    meterSerial,
    profileId: 'test',
    readBeginMonoMs: endMonoMs - 20,
    readEndMonoMs: endMonoMs,
    values: [
      { obis: ENERGY_IMPORT, value: decimal(energyWh), unit: 'Wh', quality: 'G' },
      { obis: POWER_ACTIVE, value: decimal(11_000), unit: 'W', quality: 'G' },
    ],
  };
}

describe('the schedule', () => {
  it('keeps to the grid of the first slot, whatever a read took, and skips what passed', () => {
    fc.assert(
      fc.property(fc.nat(1e9), fc.integer({ min: 1, max: 1e7 }), fc.nat(1e9), (last, every, late) => {
        const { atMonoMs, skipped } = nextSlot(last, every, last + late);
        expect(atMonoMs).toBeGreaterThan(last + late);
        expect(atMonoMs - (last + late)).toBeLessThanOrEqual(every);
        expect((atMonoMs - last) % every).toBe(0);
        expect(skipped).toBe((atMonoMs - last) / every - 1);
      }),
    );
  });

  it('spreads meters over the interval', () => {
    expect([0, 1, 2, 3].map((i) => firstSlot(500, 1000, i, 4))).toEqual([500, 750, 1000, 1250]);
  });
});

describe('plausibility', () => {
  it('believes energy that rises as power can make it rise', () => {
    const first = judgeSample(sample(1000, 1000), undefined);
    const second = judgeSample(sample(1003, 2000), first.history);
    expect(second.findings).toEqual([]);
    expect(second.sample.values[0]?.quality).toBe('G');
  });

  it('marks energy that fell as out of range and keeps the last good value as the measure', () => {
    const first = judgeSample(sample(1000, 1000), undefined);
    const fell = judgeSample(sample(999, 2000), first.history);
    expect(fell.findings).toMatchObject([{ rule: 'decreased' }]);
    expect(fell.sample.values.map((v) => v.quality)).toEqual(['O', 'G']);
    expect(judgeSample(sample(1001, 3000), fell.history).findings).toEqual([]);
  });

  it('marks energy that rose faster than a megawatt would make it', () => {
    const first = judgeSample(sample(1000, 1000), undefined);
    expect(judgeSample(sample(66_536_000, 2000), first.history).findings).toMatchObject([
      { rule: 'rose_too_fast' },
    ]);
  });

  it('starts anew with another meter', () => {
    const first = judgeSample(sample(1000, 1000), undefined);
    expect(judgeSample(sample(5, 2000, 'B2'), first.history).findings).toEqual([]);
  });

  it('never lets the believed energy of one meter fall, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 10n ** 12n), { minLength: 1, maxLength: 50 }), (registers) => {
        let history: Parameters<typeof judgeSample>[1];
        let believed = -1n;
        registers.forEach((wh, i) => {
          const judged = judgeSample(sample(wh, i * 1000), history);
          history = judged.history;
          const energy = judged.sample.values[0];
          if (energy?.quality !== 'G') return;
          expect(energy.value.mantissa).toBeGreaterThanOrEqual(believed);
          believed = energy.value.mantissa;
        });
      }),
    );
  });
});

describe('a meter that does not answer', () => {
  it('raises one fault after three failures and clears it once', () => {
    let state = UNKNOWN_AVAILABILITY;
    const effects: string[] = [];
    const feed = (ok: boolean): void => {
      const event = ok
        ? ({ type: 'answered' } as const)
        : ({ type: 'failed', error: { code: 'meter.timeout', message: 'no answer' }, dueMonoMs: 5 } as const);
      const step = stepAvailability(state, event);
      state = step.next;
      if (step.effect) effects.push(step.effect.type);
    };
    [true, false, false, true, ...Array<boolean>(FAILURES_BEFORE_FAULT + 4).fill(false), true, true].forEach(
      feed,
    );
    expect(effects).toEqual(['raise', 'clear']);
  });

  it('keeps the reason of its failures while it is left alone because of them', () => {
    const codes = ['meter.bad_frame', 'meter.timeout', 'meter.quarantined', 'meter.quarantined'];
    const states = codes.reduce<Availability[]>((before, code) => {
      const error = { code, message: `said ${code}` };
      return [
        ...before,
        stepAvailability(before.at(-1) ?? UNKNOWN_AVAILABILITY, { type: 'failed', error, dueMonoMs: 5 }).next,
      ];
    }, []);
    expect(states.at(-1)).toMatchObject({
      ...{ state: 'silent', failures: 4, code: 'meter.timeout', message: 'said meter.timeout' },
    });
  });
});

interface Scripted extends EnergyMeter {
  fail: string | undefined;
  serial: string;
}

function scriptedMeter(clock: VirtualClock, id: string): Scripted {
  let wh = 1000;
  return {
    id,
    profileId: 'test',
    fail: undefined,
    serial: 'A1',
    async identify() {
      if (this.fail !== undefined) throw new MeterError('meter.timeout', 'no answer');
      return { serial: this.serial };
    },
    async readSample() {
      await clock.sleep(20);
      if (this.fail !== undefined) throw new MeterError('meter.timeout', 'no answer');
      return sample(wh++, clock.nowMonoMs(), this.serial);
    },
  };
}

/** A read that is under way ends with the clock's help. */
async function stopped(metering: Metering, clock: VirtualClock): Promise<void> {
  const stop = metering.stop();
  await clock.advance(100);
  await stop;
}

describe('metering', () => {
  it('reads each meter on its grid, journals readings, faults and swaps, and goes on through all of them', async () => {
    const clock = new VirtualClock(0);
    const journal: string[] = [];
    const events: MeteringEvent[] = [];
    const evidence: EvidenceLog = {
      append: async (kind, body, durability) =>
        journal.push(
          'meterSerial' in body && durability === 'sample'
            ? `reading ${body.meterSerial}`
            : `${kind} ${durability} ${JSON.stringify(body)}`,
        ),
    };
    const [good, bad] = [scriptedMeter(clock, 'good'), scriptedMeter(clock, 'bad')];
    good.serial = 'G7';
    const metering = startMetering({
      meters: [good, bad].map((meter) => ({ meter, everyMs: 1_000 })),
      evidence,
      clock,
      log: silentLog,
      onEvent: (event) => events.push(event),
    });
    await clock.advance(5_000);
    bad.fail = 'meter.timeout';
    await clock.advance(5_000);
    bad.fail = undefined;
    bad.serial = 'B2';
    await clock.advance(5_000);
    await stopped(metering, clock);

    expect(journal.filter((line) => line === 'reading G7').length).toBeGreaterThanOrEqual(15);
    expect(journal.filter((line) => !line.startsWith('reading'))).toEqual([
      'fault sample {"code":"meter.silent","message":"raised","facts":[{"name":"meter","value":"bad"},{"name":"cause","value":"meter.timeout"}]}',
      'meter-swap billing {"meterId":"bad","profileId":"test","oldSerial":"A1","newSerial":"B2"}',
      'fault sample {"code":"meter.silent","message":"cleared","facts":[{"name":"meter","value":"bad"}]}',
      'gap sample {"meterId":"bad","fromMonoMs":5500,"toMonoMs":9500,"missing":5,"reason":"meter.timeout"}',
    ]);
    expect(journal.indexOf('reading B2')).toBeGreaterThan(
      journal.findIndex((line) => line.startsWith('meter-swap')),
    );
    expect(
      metering.status().map(({ meterId, state, serial, failures }) => ({ meterId, state, serial, failures })),
    ).toEqual([
      { meterId: 'good', state: 'answering', serial: 'G7', failures: 0 },
      { meterId: 'bad', state: 'answering', serial: 'B2', failures: 5 },
    ]);
    expect(
      events.filter((event) => event.type === 'meter-status' && event.status.state === 'silent'),
    ).toHaveLength(1);
  });

  it('notices a meter that was exchanged between two reads by its totals, asks who it is, and asks once', async () => {
    const clock = new VirtualClock(0);
    const journal: string[] = [];
    let serial = 'A1';
    let wh = 5_000_000;
    let asked = 0;
    const meter: EnergyMeter = {
      ...{ id: 'm', profileId: 'test' },
      identify: async () => {
        asked++;
        return { serial: (known = serial) };
      },
      readSample: async () => {
        await clock.sleep(20);
        return sample(wh, clock.nowMonoMs(), known);
      },
    };
    // As a driver does: who it is stays known until a read fails.
    let known = serial;
    const metering = startMetering({
      meters: [{ meter, everyMs: 1_000 }],
      evidence: {
        append: async (kind, body) =>
          journal.push('meterSerial' in body ? `${body.meterSerial} ${body.values[0]?.quality}` : kind),
      },
      ...{ clock, log: silentLog, onEvent: () => {} },
    });
    await clock.advance(3_000);
    [serial, wh] = ['B2', 100];
    await clock.advance(5_000);
    // The same meter again, with totals that cannot be: it is asked once, however long that lasts.
    wh = 50;
    await clock.advance(5_000);
    await stopped(metering, clock);
    const said = journal.filter((line, at) => line !== journal[at - 1]);
    expect(said).toEqual(['A1 G', 'A1 O', 'meter-swap', 'B2 G', 'B2 O']);
    expect(asked).toBe(3);
  });

  it('costs the flash no commit of its own when a meter answers every fourth read', async () => {
    const clock = new VirtualClock(0);
    const durabilities = new Map<string, number>();
    const meter = scriptedMeter(clock, 'm');
    let reads = 0;
    const whole = meter.readSample.bind(meter);
    meter.readSample = async () => {
      if (reads++ % 4 !== 0) throw new MeterError('meter.timeout', 'no answer');
      return await whole();
    };
    const metering = startMetering({
      meters: [{ meter, everyMs: 1_000 }],
      evidence: {
        append: async (kind, _body, durability) => {
          const what = `${kind} ${durability}`;
          durabilities.set(what, (durabilities.get(what) ?? 0) + 1);
          return 0;
        },
      },
      ...{ clock, log: silentLog, onEvent: () => {} },
    });
    await clock.advance(40_500);
    await stopped(metering, clock);
    expect(Object.fromEntries(durabilities)).toEqual({
      ...{ 'reading sample': 11, 'fault sample': 20, 'gap sample': 10 },
    });
  });

  it('says once which quantities a meter does not give, and once that it gives them again', async () => {
    const clock = new VirtualClock(0);
    const logged: string[] = [];
    const meter = scriptedMeter(clock, 'm');
    const whole = meter.readSample.bind(meter);
    let missing: MeterSample['missing'] = [];
    meter.readSample = async () => ({ ...(await whole()), ...(missing && { missing }) });
    const metering = startMetering({
      meters: [{ meter, everyMs: 1_000 }],
      evidence: { append: async () => 0 },
      clock,
      log: (level, event, fields) => logged.push(`${level} ${event} ${String(fields?.['obis'])}`),
      onEvent: () => {},
    });
    await clock.advance(2_500);
    missing = [{ obis: POWER_ACTIVE, unit: 'W', quality: 'N' }];
    await clock.advance(3_000);
    expect(metering.status()[0]).toMatchObject({ missing: 1, samples: 6, state: 'answering' });
    missing = undefined;
    await clock.advance(2_000);
    await stopped(metering, clock);
    expect(metering.status()[0]).toMatchObject({ missing: 0 });
    expect(logged).toEqual([
      `warning meter.values_missing ${POWER_ACTIVE} N`,
      'info meter.values_complete undefined',
    ]);
  });

  it('takes a reading for good although whoever is shown it throws, and goes on after a failure likewise', async () => {
    const clock = new VirtualClock(0);
    const meter = scriptedMeter(clock, 'm');
    const logged: string[] = [];
    const metering = startMetering({
      meters: [{ meter, everyMs: 1_000 }],
      evidence: { append: async () => 0 },
      clock,
      log: (_level, event) => logged.push(event),
      onEvent: () => {
        throw new Error('no view');
      },
    });
    await clock.advance(2_500);
    meter.fail = 'meter.timeout';
    await clock.advance(2_000);
    meter.fail = undefined;
    await clock.advance(2_000);
    await stopped(metering, clock);
    expect(metering.status()[0]).toMatchObject({ samples: 5, failures: 2, state: 'answering' });
    expect(logged).toContain('meter.event_not_told');
  });

  it('counts nothing as a failure of the meter that comes of being stopped', async () => {
    const clock = new VirtualClock(0);
    const meter = scriptedMeter(clock, 'm');
    const metering = startMetering({
      meters: [{ meter, everyMs: 1_000 }],
      evidence: { append: async () => 0 },
      clock,
      log: silentLog,
      onEvent: () => {},
    });
    await clock.advance(1_010);
    meter.fail = 'line.closed';
    await stopped(metering, clock);
    expect(metering.status()[0]).toMatchObject({ samples: 1, failures: 0, state: 'answering' });
  });

  it('reads forty meters without a warning about listeners', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): number => warnings.push(warning);
    process.on('warning', listen);
    const at = systemMonotonicClock.nowMonoMs();
    const meters = Array.from({ length: 40 }, (_, i) => ({
      meter: {
        id: `m${i}`,
        profileId: 'test',
        identify: async () => ({ serial: 'A1' }),
        readSample: async () => sample(1, at),
      },
      everyMs: 3_600_000,
    }));
    const metering = startMetering({
      meters,
      evidence: { append: async () => 0 },
      clock: systemMonotonicClock,
      log: silentLog,
      onEvent: () => {},
    });
    await new Promise((resolve) => setImmediate(resolve));
    await metering.stop();
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });

  it('goes on reading and showing when the journal refuses entries', async () => {
    const clock = new VirtualClock(0);
    const meter = scriptedMeter(clock, 'm');
    const logged: string[] = [];
    const refuse = async (): Promise<never> => {
      throw new MeterError('line.closed', 'stands for any typed error');
    };
    const metering = startMetering({
      meters: [{ meter, everyMs: 1_000 }],
      evidence: { append: refuse },
      clock,
      log: (_level, event) => logged.push(event),
      onEvent: () => {},
    });
    await clock.advance(4_500);
    await stopped(metering, clock);
    expect(metering.status()[0]?.samples).toBe(5);
    expect(logged.filter((event) => event === 'journal.append_failed')).toHaveLength(5);
  });

  it('tells how alive each meter is: a failed read is an attempt that ended, one that hangs is not', async () => {
    const clock = new VirtualClock(0);
    const [good, bad, stuck] = ['good', 'bad', 'stuck'].map((id) => scriptedMeter(clock, id)) as [
      Scripted,
      Scripted,
      Scripted,
    ];
    const metering = startMetering({
      meters: [good, bad, stuck].map((meter) => ({ meter, everyMs: 3_000 })),
      evidence: { append: async () => 0 },
      clock,
      log: silentLog,
      onEvent: () => {},
    });
    const never = { lastAttemptBeganMonoMs: null, lastAttemptEndedMonoMs: null, lastSampleMonoMs: null };
    expect(metering.facts()[2]).toMatchObject({
      ...never,
      meterId: 'stuck',
      everyMs: 3_000,
      state: 'unknown',
    });
    await clock.advance(2_900);
    bad.fail = 'meter.timeout';
    let release = (): void => {};
    const hanging = new Promise<void>((resolve) => (release = resolve));
    const readSample = stuck.readSample.bind(stuck);
    stuck.readSample = async () => {
      await hanging;
      return await readSample();
    };
    await clock.advance(9_000);
    const [ofGood, ofBad, ofStuck] = metering.facts();
    expect(ofGood).toMatchObject({ state: 'answering', errorCode: null, lastAttemptBeganMonoMs: 9_000 });
    expect(ofGood?.lastSampleMonoMs).toBeGreaterThanOrEqual(9_000);
    expect(ofGood?.lastAttemptEndedMonoMs).toBeGreaterThanOrEqual(9_000);
    expect(ofBad).toMatchObject({
      errorCode: 'meter.timeout',
      lastAttemptBeganMonoMs: 10_000,
      state: 'silent',
    });
    expect(ofBad?.lastAttemptEndedMonoMs).toBeGreaterThanOrEqual(10_000);
    expect(ofBad?.lastSampleMonoMs).toBeLessThan(2_900);
    expect(ofStuck).toMatchObject({ state: 'answering', lastAttemptBeganMonoMs: 5_000 });
    expect(ofStuck?.lastAttemptEndedMonoMs).toBeLessThan(5_000);
    release();
    await stopped(metering, clock);
  });
});
