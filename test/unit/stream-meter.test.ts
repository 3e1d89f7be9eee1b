import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal, silentLog, type MeterSample, type StreamProtocol } from '../../hal/contract/index.ts';
import { createStreamMeter, type StreamMeter } from '../../hal/driver/stream/index.ts';
import { TelegramWatch } from '../../hal/driver/stream/telegram-watch.ts';
import { ListeningLineActor } from '../../hal/line/listening-line.ts';
import { startMetering } from '../../src/metering/index.ts';
import { encodePushed } from '../support/meters/iec62056-encoder.ts';
import { encodeP1, exampleP1Telegram } from '../support/meters/p1-encoder.ts';
import { ScriptedDevice } from '../support/sync/scripted-channel.ts';
import { concat, encodeTelegram, serverId } from '../support/meters/sml-encoder.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const IMPORT = [1, 0, 1, 8, 0, 255];

function sml(tenthWh: number, meter = 4711): Uint8Array {
  return encodeTelegram({
    serverId: serverId('ISK', meter),
    entries: [
      { obis: IMPORT, unit: 30, scaler: -1, value: { uint: BigInt(tenthWh) } },
      { obis: [1, 0, 16, 7, 0, 255], unit: 27, scaler: 0, value: { int: 230n } },
      { obis: [129, 129, 199, 130, 5, 255], value: new Uint8Array(8) },
    ],
  });
}

const modeD = (kwh: string, parity = true): Uint8Array =>
  encodePushed('EMH4TEST', ['1-0:0.0.0*255(12345678)', `1-0:1.8.0*255(${kwh}*kWh)`], parity);

/** A line in memory, its meter, and time that moves when told. */
class Bench {
  readonly clock = new VirtualClock();
  readonly device = new ScriptedDevice(this.clock, () => []);
  #events: Parameters<ScriptedDevice['open']>[0] | undefined;
  readonly line = new ListeningLineActor({
    id: 'line',
    kind: 'serial',
    open: (events, signal) => {
      this.#events = events;
      return this.device.open(events, signal);
    },
    reopen: { firstPauseMs: 250, longestPauseMs: 1_000 },
    clock: this.clock,
    log: silentLog,
  });
  readonly meter: StreamMeter;

  constructor(protocol: StreamProtocol = 'sml', serial?: string) {
    const { line, clock } = this;
    const only = serial === undefined ? {} : { serial };
    this.meter = createStreamMeter({ id: 'm', line, protocol, clock, telegramTimeoutMs: 5_000, ...only });
  }

  async opened(): Promise<this> {
    await this.clock.advance(0);
    return this;
  }

  say(bytes: Uint8Array): void {
    this.#events?.onBytes(bytes);
  }
}

const importOf = (sample: MeterSample): string | undefined => {
  const value = sample.values.find(({ obis }) => obis === '1-0:1.8.0*255')?.value;
  return value && formatDecimal(value);
};

/** What a read ended with, looked at when the test has moved time on. */
function settledRead(read: Promise<MeterSample>): { sample?: MeterSample; code?: unknown } {
  const settled: { sample?: MeterSample; code?: unknown } = {};
  read.then(
    (sample) => (settled.sample = sample),
    (error: { code: unknown }) => (settled.code = error.code),
  );
  return settled;
}

describe('a meter that sends by itself', () => {
  it('gives a read the next whole telegram, with the times of its first and last byte', async () => {
    const bench = await new Bench().opened();
    const read = settledRead(bench.meter.readSample());
    const bytes = sml(12_345);
    await bench.clock.advance(100);
    bench.say(bytes.subarray(0, 40));
    await bench.clock.advance(300);
    bench.say(bytes.subarray(40));
    await bench.clock.advance(0);
    expect(read.sample).toMatchObject({
      profileId: 'sml',
      meterSerial: '1ISK0000004711',
      readBeginMonoMs: 1_100,
      readEndMonoMs: 1_400,
    });
    expect(read.sample && importOf(read.sample)).toBe('1234.5');
    expect(read.sample?.values.map(({ quality }) => quality)).toEqual(['G', 'G']);
    expect(bench.meter.statistics()).toMatchObject({ telegrams: 1, refused: 0 });
  });

  it('gives the telegram that identified the meter to the read that follows, and to one read only', async () => {
    const bench = await new Bench().opened();
    const identified = bench.meter.identify();
    bench.say(sml(10));
    await expect(identified).resolves.toEqual({ serial: '1ISK0000004711' });
    expect(importOf(await bench.meter.readSample())).toBe('1.0');
    const next = settledRead(bench.meter.readSample());
    await bench.clock.advance(900);
    expect(next).toEqual({});
    bench.say(sml(20));
    await bench.clock.advance(0);
    expect(next.sample && importOf(next.sample)).toBe('2.0');
  });

  it('never gives an old telegram to a read, nor one that ended before a billing read began', async () => {
    const bench = await new Bench().opened();
    bench.say(sml(10));
    const billing = settledRead(bench.meter.readSample('billing'));
    await bench.clock.advance(1_001);
    const periodic = settledRead(bench.meter.readSample());
    await bench.clock.advance(1_000);
    expect([billing, periodic]).toEqual([{}, {}]);
    bench.say(sml(11));
    await bench.clock.advance(0);
    expect([billing, periodic].map(({ sample }) => sample && importOf(sample))).toEqual(['1.1', '1.1']);
  });

  it('says what was wrong: nothing came, noise came, only damaged telegrams came', async () => {
    const bench = await new Bench().opened();
    const silence = settledRead(bench.meter.readSample());
    await bench.clock.advance(5_000);
    expect(silence).toEqual({ code: 'meter.timeout' });
    const noise = settledRead(bench.meter.readSample());
    bench.say(Uint8Array.of(0x55, 0xaa, 0x00));
    await bench.clock.advance(5_000);
    expect(noise).toEqual({ code: 'meter.bad_frame' });
    const damaged = settledRead(bench.meter.readSample());
    bench.say(sml(10).map((byte, i) => (i === 60 ? byte ^ 1 : byte)));
    await bench.clock.advance(5_000);
    expect(damaged).toEqual({ code: 'meter.bad_frame' });
  });

  it('refuses the telegram of another meter than the one identified, and identifies that one next', async () => {
    const bench = await new Bench().opened();
    bench.say(sml(10));
    await bench.meter.identify();
    await bench.meter.readSample();
    const read = settledRead(bench.meter.readSample());
    bench.say(sml(10, 4712));
    await bench.clock.advance(0);
    expect(read).toEqual({ code: 'meter.incompatible' });
    expect(await bench.meter.identify()).toEqual({ serial: '1ISK0000004712' });
    expect((await bench.meter.readSample()).meterSerial).toBe('1ISK0000004712');
  });

  it('is exchanged: that is on record before the first reading of the other one, and no reading mixes them', async () => {
    const bench = await new Bench().opened();
    const recorded: string[] = [];
    const metering = startMetering({
      meters: [{ meter: bench.meter, everyMs: 100 }],
      evidence: {
        append: async (kind, body) => {
          const serial = 'newSerial' in body ? `${body.oldSerial} ${body.newSerial}` : '';
          const read = 'meterSerial' in body ? `${body.meterSerial} ${importOf(body)}` : '';
          return recorded.push(`${kind} ${serial}${read}`);
        },
      },
      clock: bench.clock,
      log: silentLog,
      onEvent: () => {},
    });
    for (const [tenthWh, meter] of [
      [1_000, 4711],
      [1_001, 4711],
      [500, 4712],
      [501, 4712],
    ] as const) {
      await bench.clock.advance(1_000);
      bench.say(sml(tenthWh, meter));
    }
    await bench.clock.advance(500);
    const stopped = metering.stop();
    await bench.line.close();
    await stopped;
    expect(recorded).toEqual([
      'reading 1ISK0000004711 100.0',
      'reading 1ISK0000004711 100.1',
      'meter-swap 1ISK0000004711 1ISK0000004712',
      'reading 1ISK0000004712 50.0',
      'reading 1ISK0000004712 50.1',
    ]);
  });

  it('accepts no other meter than the one that was named', async () => {
    const bench = await new Bench('sml', '1ISK0000004711').opened();
    const other = settledRead(bench.meter.readSample());
    bench.say(sml(10, 4712));
    await bench.clock.advance(5_000);
    expect(other).toEqual({ code: 'meter.incompatible' });
    bench.say(sml(11));
    expect(importOf(await bench.meter.readSample())).toBe('1.1');
  });

  it('has the serial number that was named where its telegrams tell none, and is refused without', async () => {
    const lines = ['1-0:1.8.1(000001.234*kWh)'];
    for (const serial of ['P-1', undefined]) {
      const bench = await new Bench('p1', serial).opened();
      const read = settledRead(bench.meter.readSample());
      bench.say(encodeP1('TST5NAMELESS', lines));
      await bench.clock.advance(5_000);
      expect(read.sample?.meterSerial ?? read.code).toBe(serial ?? 'meter.incompatible');
    }
  });

  it('goes on after the port was lost and was absent, without joining what came before and after', async () => {
    const bench = await new Bench().opened();
    const bytes = sml(77);
    const read = settledRead(bench.meter.readSample());
    bench.say(bytes.subarray(0, 50));
    bench.device.absent = new Error('no such device');
    bench.device.unplug();
    await bench.clock.advance(5_000);
    expect(read).toEqual({ code: 'meter.bad_frame' });
    const absent = settledRead(bench.meter.readSample());
    await bench.clock.advance(5_000);
    expect(absent).toEqual({ code: 'line.open_failed' });
    bench.device.absent = undefined;
    await bench.clock.advance(1_100);
    expect(bench.line.statistics()).toMatchObject({ state: 'open', opened: 2 });
    const again = settledRead(bench.meter.readSample());
    bench.say(bytes.subarray(50));
    bench.say(bytes);
    await bench.clock.advance(0);
    expect(again.sample && importOf(again.sample)).toBe('7.7');
  });

  it('does not hammer a gateway that hangs up as soon as it was called', async () => {
    const bench = await new Bench().opened();
    for (let i = 0; i < 200; i++) {
      bench.device.unplug();
      await bench.clock.advance(100);
    }
    expect(bench.device.opened).toBeLessThan(30);
  });

  it('ends a read when the line is closed', async () => {
    const bench = await new Bench().opened();
    const read = settledRead(bench.meter.readSample());
    await bench.line.close();
    await bench.clock.advance(0);
    expect(read).toEqual({ code: 'line.closed' });
    await expect(bench.meter.readSample()).rejects.toMatchObject({ code: 'line.closed' });
  });

  it('leaves out what is no present electrical value, and counts it', async () => {
    const bench = await new Bench('p1').opened();
    const read = settledRead(bench.meter.readSample());
    bench.say(exampleP1Telegram(1_234_567));
    await bench.clock.advance(0);
    expect(read.sample?.values.map(({ obis }) => obis)).toEqual([
      '1-0:1.8.1*255',
      '1-0:1.8.2*255',
      '1-0:2.8.1*255',
      '1-0:1.7.0*255',
      '1-0:32.7.0*255',
      '1-0:31.7.0*255',
    ]);
    expect(bench.meter.statistics().leftOut).toBeGreaterThan(0);
  });

  it('believes a telegram without a checksum only where parity protected its characters', async () => {
    const bench = await new Bench('iec62056').opened();
    const without = settledRead(bench.meter.readSample());
    bench.say(modeD('000123.4', false));
    await bench.clock.advance(5_000);
    expect(without).toEqual({ code: 'meter.bad_frame' });
    const seen = settledRead(bench.meter.readSample());
    bench.say(modeD('000123.4'));
    await bench.clock.advance(0);
    expect(seen.sample?.meterSerial).toBe('12345678');
  });
});

describe('telegrams on a line', () => {
  const PLANS = {
    sml: (n: number) => sml(n),
    p1: (n: number) => exampleP1Telegram(n),
    iec62056: (n: number) => modeD(String(n).padStart(8, '0')),
  };

  it.each(['sml', 'p1', 'iec62056'] as const)(
    'are found with the times of their first byte whatever noise and cut telegrams are between: %s',
    (protocol) => {
      fc.assert(
        fc.property(
          fc.array(
            fc.record({
              kind: fc.constantFrom('good', 'cut', 'flipped', 'noise'),
              at: fc.nat(),
              noise: fc.uint8Array({ maxLength: 30 }),
            }),
            { maxLength: 8 },
          ),
          (plan) => {
            const watch = new TelegramWatch(protocol);
            const sent = new Map<string, number>();
            const heard: { value: string; beginMonoMs: number; endMonoMs: number }[] = [];
            let now = 0;
            const put = (bytes: Uint8Array): void => {
              for (const byte of bytes) {
                for (const { telegram, ...times } of watch.hear(Uint8Array.of(byte), ++now)) {
                  for (const { obis, value } of telegram.values) {
                    if (/^1-0:1\.8\.[01]\*/.test(obis)) heard.push({ value: formatDecimal(value), ...times });
                  }
                }
              }
            };
            for (const [n, { kind, at, noise }] of plan.entries()) {
              const bytes = PLANS[protocol](100_000 + n);
              const spot = at % bytes.length;
              const begin = now + 1;
              // What is flipped or cut behind the checksum, in the line end, leaves the telegram good.
              if (kind !== 'noise') sent.set(formatOf(protocol, 100_000 + n), begin);
              if (kind === 'noise') put(noise);
              else if (kind === 'cut') put(bytes.subarray(0, spot));
              else if (kind === 'flipped') put(bytes.map((byte, i) => (i === spot ? byte ^ 0x10 : byte)));
              else put(bytes);
            }
            const last = PLANS[protocol](999_999);
            sent.set(formatOf(protocol, 999_999), now + 1);
            put(last);
            for (const { value, beginMonoMs, endMonoMs } of heard) {
              const begun = sent.get(value);
              expect(begun, `${value} was never sent`).toBeDefined();
              expect(beginMonoMs).toBeLessThanOrEqual(begun ?? 0);
              expect(endMonoMs).toBeGreaterThan(begun ?? 0);
            }
            const exact = heard.at(-1);
            expect(exact?.value).toBe(formatOf(protocol, 999_999));
            if (plan.every(({ kind }) => kind === 'good')) {
              expect(heard.map(({ beginMonoMs }) => beginMonoMs)).toEqual([...sent.values()]);
            }
          },
        ),
        { numRuns: 60 },
      );
    },
  );

  it('are not joined over a silence', () => {
    const watch = new TelegramWatch('iec62056');
    const bytes = modeD('000123.4');
    expect(watch.hear(bytes.subarray(0, 45), 1_000)).toEqual([]);
    const rest = watch.hear(bytes.subarray(45), 3_000).map(({ telegram }) => telegram.ok);
    expect(rest).not.toContain(true);
    expect(rest.length).toBeGreaterThan(0);
  });

  it('are given with the exact time of their first byte after a telegram that was cut', () => {
    for (const protocol of ['sml', 'p1', 'iec62056'] as const) {
      const watch = new TelegramWatch(protocol);
      const bytes = PLANS[protocol](123_456);
      watch.hear(bytes.subarray(0, 60), 1_000);
      watch.hear(bytes.subarray(0, 3), 2_000);
      watch.hear(bytes.subarray(3, 20), 2_100);
      const good = watch.hear(bytes.subarray(20), 2_200).filter(({ telegram }) => telegram.ok);
      expect(good.map(({ beginMonoMs, endMonoMs }) => [beginMonoMs, endMonoMs])).toEqual([[2_000, 2_200]]);
    }
  });
});

function formatOf(protocol: StreamProtocol, n: number): string {
  if (protocol === 'sml') return `${(n - (n % 10)) / 10}.${n % 10}`;
  return protocol === 'p1' ? String(n) : `${n}000`;
}

it('a telegram glued to another in one piece is read as two', () => {
  const watch = new TelegramWatch('sml');
  expect(watch.hear(concat(sml(1), sml(2)), 5).map(({ telegram }) => telegram.ok)).toEqual([true, true]);
});
