import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { formatDecimal, silentLog, type ListeningLine } from '../../hal/contract/index.ts';
import { createReadoutMeter } from '../../hal/driver/stream/index.ts';
import { openListeningLine } from '../../hal/line/index.ts';
import { openPty, REAL_CLOCK, type Pty } from '../../hal/simulator/index.ts';
import { encodeBlock, evenParity } from '../support/meters/iec62056-encoder.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';

const SIGN_ON = '/?!\r\n';
const ACKNOWLEDGE_9600 = '\x06050\r\n';

/** IEC 62056-21 allows 200 to 1,500 ms; what comes while the port changes its speed is lost, and machines are busy. */
const REACTION_MS = 800;

/** A mode C meter on a pseudo terminal, which knows no speed: what is checked is the order of what was said. */
class OpticalMeter {
  readonly heard: string[] = [];
  readonly pty: Pty;
  #pending = '';
  #kwh = 1_000;

  constructor(pty: Pty) {
    this.pty = pty;
    pty.onBytes((bytes) => {
      // Many optical heads see what they send.
      pty.write(bytes);
      this.#pending += Buffer.from(bytes.map((byte) => byte & 0x7f)).toString('latin1');
      if (!this.#pending.endsWith('\n')) return;
      setTimeout((request: string) => this.#answer(request), REACTION_MS, this.#pending);
      this.#pending = '';
    });
  }

  #answer(request: string): void {
    this.heard.push(request);
    if (request === SIGN_ON) this.pty.write(Uint8Array.from(Buffer.from('/LGZ5ZMD120\r\n'), evenParity));
    if (request !== ACKNOWLEDGE_9600) return;
    const data = ['F.F(00000000)', '0.0.0(12345678)', `1.8.0(00${this.#kwh++}.250*kWh)`];
    this.pty.write(encodeBlock(data, { identification: '', parity: true }));
  }
}

describe.skipIf(WHY_NO_PTY !== undefined)(`an IEC 62056-21 meter with an optical port${PTY_NOTE}`, () => {
  let meter: OpticalMeter;
  let line: ListeningLine;
  const rates: number[] = [];

  beforeAll(async () => {
    meter = new OpticalMeter(await openPty());
    line = openListeningLine(
      { id: 'optical', kind: 'serial', path: meter.pty.path, baudRate: 300, parity: 'none' },
      { clock: REAL_CLOCK, log: silentLog },
    );
  });

  afterAll(async () => {
    await line?.close();
    await meter?.pty.close();
  });

  it('is read out over a serial port, echo included: sign-on, rate, acknowledgement, rate, data', async () => {
    const setBaudRate = line.setBaudRate.bind(line);
    line.setBaudRate = async (baudRate) => {
      rates.push(baudRate);
      await setBaudRate(baudRate);
    };
    const reader = createReadoutMeter({ id: 'grid', line, clock: REAL_CLOCK });
    expect(await reader.identify()).toEqual({ serial: '12345678' });
    const first = await reader.readSample();
    const second = await reader.readSample();
    const [before, after] = [first, second].map(({ values }) =>
      values.map(({ value }) => formatDecimal(value)).join(),
    );
    expect(before).toMatch(/^100\d250$/);
    expect(after).toMatch(/^100\d250$/);
    expect(Number(after)).toBeGreaterThan(Number(before));
    expect(meter.heard).toEqual([SIGN_ON, ACKNOWLEDGE_9600, SIGN_ON, ACKNOWLEDGE_9600]);
    expect(rates).toEqual([300, 9600, 300, 9600]);
    expect(second.readBeginMonoMs).toBeGreaterThanOrEqual(first.readEndMonoMs);
    expect(line.statistics()).toMatchObject({ state: 'open', opened: 1 });
  });

  it('has its bytes on the wire before the rate changes, though a pseudo terminal calls itself drained at once', async () => {
    await line.setBaudRate(300);
    const sentMonoMs = REAL_CLOCK.nowMonoMs();
    await line.send(Buffer.from(ACKNOWLEDGE_9600));
    // Six bytes of ten bits at 300 baud take 200 ms; a timer may come a millisecond early.
    expect(REAL_CLOCK.nowMonoMs() - sentMonoMs).toBeGreaterThanOrEqual(199);
    await line.setBaudRate(9600);
    await line.setBaudRate(300);
    await expect.poll(() => meter.heard.length, { timeout: 20_000 }).toBe(5);
    expect(meter.heard.at(-1)).toBe(ACKNOWLEDGE_9600);
  });
});
