import { describe, expect, it } from 'vitest';
import { formatDecimal, silentLog, type EnergyMeter } from '../../hal/contract/index.ts';
import { createReadoutMeter } from '../../hal/driver/stream/index.ts';
import { ListeningLineActor } from '../../hal/line/listening-line.ts';
import { encodeBlock, evenParity } from '../support/meters/iec62056-encoder.ts';
import { ScriptedDevice, type ScriptedPiece } from '../support/sync/scripted-channel.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const SIGN_ON = '/?!\r\n';
const ACKNOWLEDGE_9600 = '\x06050\r\n';
const NAK = '\x15';

const plain = (bytes: Uint8Array): string => Buffer.from(bytes.map((byte) => byte & 0x7f)).toString('latin1');
const withParity = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'), evenParity);

const block = (kwh: string, serial = '12345678'): Uint8Array =>
  encodeBlock(['F.F(00000000)', `0.0.0(${serial})`, `1.8.0(${kwh}*kWh)`, '32.7(230*V)'], {
    identification: '',
    parity: true,
  });

/** A mode C meter in memory that offers 9600 baud; what it does with the nth request can be told. */
class Bench {
  readonly clock = new VirtualClock();
  /** What went over the line, in order: `300` for a change of rate, otherwise the text sent to the meter. */
  readonly journal: string[] = [];
  answer: (request: string, n: number) => readonly ScriptedPiece[] = (request) => this.asMeter(request);
  readonly device = new ScriptedDevice(this.clock, (request, n) => {
    const text = plain(request);
    this.journal.push(text);
    return this.answer(text, n);
  });
  readonly line = new ListeningLineActor({
    id: 'line',
    kind: 'serial',
    open: async (events, signal) => ({
      ...(await this.device.open(events, signal)),
      setBaudRate: async (baudRate: number) => void this.journal.push(String(baudRate)),
    }),
    reopen: { firstPauseMs: 250, longestPauseMs: 1_000 },
    clock: this.clock,
    log: silentLog,
  });
  readonly meter: EnergyMeter = createReadoutMeter({ id: 'm', line: this.line, clock: this.clock });
  kwh = '000123.456';
  serial = '12345678';

  asMeter(request: string): readonly ScriptedPiece[] {
    if (request === SIGN_ON) return [{ afterMs: 300, bytes: withParity('/LGZ5ZMD120\r\n') }];
    const bytes = block(this.kwh, this.serial);
    return [
      { afterMs: 250, bytes: bytes.subarray(0, 30) },
      { afterMs: 400, bytes: bytes.subarray(30) },
    ];
  }

  /** What a call ended with after some time. */
  async within<T>(durationMs: number, call: Promise<T>): Promise<{ value?: T; code?: unknown }> {
    const settled: { value?: T; code?: unknown } = {};
    call.then(
      (value) => (settled.value = value),
      (error: { code: unknown }) => (settled.code = error.code),
    );
    await this.clock.advance(durationMs);
    return settled;
  }
}

describe('a meter that is read out through its optical port', () => {
  it('is woken up at 300 baud, agrees on 9600 and gives values that are no older than the sign-on', async () => {
    const bench = new Bench();
    await bench.clock.advance(500);
    const { value } = await bench.within(2_000, bench.meter.readSample());
    expect(bench.journal).toEqual(['300', SIGN_ON, ACKNOWLEDGE_9600, '9600']);
    expect(value).toMatchObject({ meterSerial: '12345678', profileId: 'iec62056', readBeginMonoMs: 1_500 });
    // 300 ms to the identification, 200 ms before the acknowledgement, 400 ms to the last byte.
    expect(value?.readEndMonoMs).toBe(2_400);
    expect(value?.values.map(({ value: exact, unit }) => [formatDecimal(exact), unit])).toEqual([
      ['123456', 'Wh'],
      ['230', 'V'],
    ]);
  });

  it('is read out once for the identification and the sample that follows, and again for the next', async () => {
    const bench = new Bench();
    expect(await bench.within(901, bench.meter.identify())).toEqual({ value: { serial: '12345678' } });
    expect((await bench.within(0, bench.meter.readSample())).value?.meterSerial).toBe('12345678');
    expect(bench.journal.filter((entry) => entry === SIGN_ON)).toHaveLength(1);
    await bench.within(2_000, bench.meter.readSample());
    expect(bench.journal).toEqual([
      '300',
      SIGN_ON,
      ACKNOWLEDGE_9600,
      '9600',
      '300',
      SIGN_ON,
      ACKNOWLEDGE_9600,
      '9600',
    ]);
  });

  it('is asked again for a block that was damaged, and nothing of the damaged one is kept', async () => {
    const bench = new Bench();
    bench.answer = (request) => {
      if (request !== ACKNOWLEDGE_9600) return bench.asMeter(request);
      const damaged = block('000999.999').map((byte, i) => (i === 30 ? byte ^ 0x03 : byte));
      return [{ afterMs: 250, bytes: damaged }];
    };
    const { value } = await bench.within(5_000, bench.meter.readSample());
    expect(bench.journal).toEqual(['300', SIGN_ON, ACKNOWLEDGE_9600, '9600', NAK]);
    expect(value?.values[0] && formatDecimal(value.values[0].value)).toBe('123456');
  });

  it('says what was wrong: no answer, only damaged blocks', async () => {
    const silent = new Bench();
    silent.answer = () => [];
    expect(await silent.within(30_000, silent.meter.readSample())).toEqual({ code: 'meter.timeout' });
    const noisy = new Bench();
    noisy.answer = (request) =>
      request === SIGN_ON
        ? noisy.asMeter(request)
        : [{ afterMs: 250, bytes: block('1').map((byte) => byte ^ 0x03) }];
    expect(await noisy.within(60_000, noisy.meter.readSample())).toEqual({ code: 'meter.bad_frame' });
  });

  it('is not the one that was identified when another answers', async () => {
    const bench = new Bench();
    await bench.within(2_000, bench.meter.identify());
    bench.serial = '87654321';
    await bench.clock.advance(2_000);
    expect(await bench.within(2_000, bench.meter.readSample())).toEqual({ code: 'meter.incompatible' });
    expect(await bench.within(2_000, bench.meter.identify())).toEqual({ value: { serial: '87654321' } });
  });

  it('ends a readout when the port is lost or the line is closed, and reads again when it is back', async () => {
    const bench = new Bench();
    const lost = bench.within(600, bench.meter.readSample());
    await lost;
    bench.device.unplug();
    await bench.clock.advance(0);
    expect((await lost).code).toBe('line.closed');
    await bench.clock.advance(1_000);
    const again = await bench.within(2_000, bench.meter.readSample());
    expect(again.value?.meterSerial).toBe('12345678');
    const closing = bench.within(100, bench.meter.readSample());
    await closing;
    await bench.line.close();
    await bench.clock.advance(10_000);
    expect((await closing).code).toBe('line.closed');
  });
});
