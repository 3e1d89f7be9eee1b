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

/**
 * What was said in its order, as one text. On a busy machine an answer may come while the port changes its speed, and is lost: then the
 * reader begins anew, as it should. Said twice in a row is the same step once more.
 */
const steps = (said: readonly unknown[]): string =>
  said.filter((each, index) => each !== said[index - 1]).join(' ');
/** Two readouts, and as many more as had to be begun anew. */
const READOUTS = /^\/\?!\r\n \x06050\r\n( \/\?!\r\n \x06050\r\n)+$/;
const RATES = /^300 9600( 300 9600)+$/;

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
    expect(steps(meter.heard)).toMatch(READOUTS);
    expect(steps(rates)).toMatch(RATES);
    expect(second.readBeginMonoMs).toBeGreaterThanOrEqual(first.readEndMonoMs);
    expect(line.statistics()).toMatchObject({ state: 'open', opened: 1 });
  });
});
