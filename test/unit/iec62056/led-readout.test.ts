import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  startReadout,
  stepReadout,
  type ReadoutEffect,
  type ReadoutOptions,
  type ReadoutState,
} from '../../../hal/driver/iec62056/index.ts';
import { encodeBlock, evenParity } from '../../support/meters/iec62056-encoder.ts';

const LINES = ['F.F(00)', 'C.1.0(13647123)', '1.8.0(061561.289*kWh)'];
const data = (): Uint8Array => encodeBlock(LINES, { identification: '' });
const ascii = (text: string): Uint8Array => Buffer.from(text, 'latin1');
const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  bytes.map((byte, i) => (i === at ? byte ^ 1 : byte));

interface Outcome {
  readonly log: string[];
  readonly last: ReadoutEffect | undefined;
}

/** A meter as a function: what it answers to the n-th message that it is sent, at which rate; nothing: silence. */
type Meter = (message: string, count: number, baudRate: number) => Uint8Array[];

function read(meter: Meter, options: ReadoutOptions = {}): Outcome {
  const log: string[] = [];
  let baudRate = 0;
  let count = 0;
  let { state, effects } = startReadout(options);
  for (let steps = 0; steps < 10_000; steps++) {
    let message: string | undefined;
    for (const effect of effects) {
      if (effect.kind === 'baudRate') log.push(`${(baudRate = effect.baudRate)} baud`);
      if (effect.kind === 'send') {
        message = Buffer.from(effect.bytes).toString('latin1');
        log.push(JSON.stringify(message));
      }
      if (effect.kind === 'done' || effect.kind === 'failed') return { log, last: effect };
    }
    const answers = message === undefined ? [] : meter(message, ++count, baudRate);
    ({ state, effects } = deliver(state, answers));
  }
  throw new Error('the readout does not end');
}

function deliver(
  state: ReadoutState,
  answers: readonly Uint8Array[],
): { state: ReadoutState; effects: ReadoutEffect[] } {
  const effects: ReadoutEffect[] = [];
  for (const bytes of answers) {
    const step = stepReadout(state, { kind: 'bytes', bytes });
    state = step.state;
    effects.push(...step.effects);
    if (step.effects.some(({ kind }) => kind !== 'timer')) return { state, effects };
  }
  const step = stepReadout(state, { kind: 'timer' });
  return { state: step.state, effects: [...effects, ...step.effects] };
}

const modeC: Meter = (message, _count, baudRate) => {
  if (message.startsWith('/?')) return baudRate === 300 ? [ascii('/LGZ4ZMF100AC.M26\r\n')] : [];
  return baudRate === 4800 ? [data()] : [];
};

describe('a readout that this side leads', () => {
  it('acknowledges the offered rate in mode C, changes to it, and reads', () => {
    const { log, last } = read(modeC);
    expect(log).toEqual(['300 baud', '"/?!\\r\\n"', '"\\u0006040\\r\\n"', '4800 baud']);
    expect(last).toMatchObject({ kind: 'done', telegram: { ok: true, meter: { serial: '13647123' } } });
  });

  it('leaves the meter its reaction time before the acknowledgement, a short one where its third letter is small', () => {
    const pauseAfter = (identification: string): unknown => {
      const { state } = startReadout();
      return stepReadout(state, { kind: 'bytes', bytes: ascii(`/${identification}\r\n`) }).effects[0];
    };
    expect(pauseAfter('LGZ4ZMF')).toEqual({ kind: 'pause', durationMs: 200 });
    expect(pauseAfter('ISk5MT174')).toEqual({ kind: 'pause', durationMs: 20 });
  });

  it('agrees on no higher rate than the port can do', () => {
    const { log } = read(
      (message) => (message.startsWith('/?') ? [ascii('/ISk5MT174-0001\r\n')] : [data()]),
      { maxBaudRate: 2400 },
    );
    expect(log.slice(2)).toEqual(['"\\u0006030\\r\\n"', '2400 baud']);
  });

  it('keeps the rate and says nothing in mode A', () => {
    const { log, last } = read(() => [Buffer.concat([ascii('/TSTxOLD\r\n'), data()])]);
    expect(log).toEqual(['300 baud', '"/?!\\r\\n"']);
    expect(last).toMatchObject({ kind: 'done' });
  });

  it('changes the rate without an acknowledgement in mode B', () => {
    const { log } = read((_message, count) => (count === 1 ? [ascii('/TSTCB\r\n'), data()] : []));
    expect(log.slice(0, 3)).toEqual(['300 baud', '"/?!\\r\\n"', '2400 baud']);
  });

  it('is not misled by the echo of an optical head, noise, or bytes that come one by one', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), (junk) => {
        const quiet = junk.map((byte) => ([0x2f, 0x0a, 0x02].includes(byte & 0x7f) ? 0x20 : byte));
        const single = (bytes: Uint8Array): Uint8Array[] => [...bytes].map((byte) => Uint8Array.of(byte));
        const { last } = read((message) =>
          message.startsWith('/?')
            ? single(Buffer.concat([ascii(message), quiet, ascii('\r\n/LGZ4ZMF\r\n')]))
            : single(Buffer.concat([ascii(message), data()])),
        );
        expect(last).toMatchObject({ kind: 'done' });
      }),
    );
  });

  it('asks again with NAK for a block that was damaged or did not end', () => {
    const answers = [ascii('/LGZ4ZMF\r\n'), flipped(data(), 20), data().subarray(0, 30), data()];
    const { log, last } = read((_message, count) => [answers[count - 1] ?? new Uint8Array(0)]);
    expect(log.slice(-2)).toEqual(['"\\u0015"', '"\\u0015"']);
    expect(last).toMatchObject({ kind: 'done' });
  });

  it('never takes a block without its check, even when the meter sends one', () => {
    const push = ascii('\r\n1.8.0(061561.289*kWh)\r\n!\r\n');
    const { last } = read((message) => (message.startsWith('/?') ? [ascii('/LGZ4ZMF\r\n')] : [push]));
    expect(last).toMatchObject({ kind: 'failed', code: 'meter.bad_frame' });
  });

  it('signs on again when the meter falls silent after the change of rate', () => {
    let silent = true;
    const { log, last } = read((message) => {
      if (message.startsWith('/?')) return [ascii('/LGZ4ZMF\r\n')];
      return silent ? ((silent = false), []) : [data()];
    });
    expect(log.filter((line) => line === '300 baud')).toHaveLength(2);
    expect(last).toMatchObject({ kind: 'done' });
  });

  it('gives up after the attempts it was given', () => {
    const { log, last } = read(() => [], { attempts: 2, deviceAddress: '12345678' });
    expect(log).toEqual(['300 baud', '"/?12345678!\\r\\n"', '300 baud', '"/?12345678!\\r\\n"']);
    expect(last).toMatchObject({ kind: 'failed', code: 'meter.timeout' });
  });

  it('puts parity into what it sends where the port has none', () => {
    const { effects } = startReadout({ parityInBytes: true });
    const sent = effects.find(({ kind }) => kind === 'send');
    expect(sent).toEqual({ kind: 'send', bytes: ascii('/?!\r\n').map(evenParity) });
  });

  it('ends whatever arrives, with a telegram that was checked or with a reason', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 30 }), (garbage) => {
        const { last } = read((_message, count) => garbage.slice(count * 3, count * 3 + 3));
        expect(last?.kind).toBe('failed');
      }),
    );
  });

  it('does nothing more once it is over', () => {
    const { state } =
      read(() => [], { attempts: 1 }) && stepReadout(startReadout({ attempts: 1 }).state, { kind: 'timer' });
    expect(stepReadout(state, { kind: 'bytes', bytes: data() }).effects).toEqual([]);
    expect(stepReadout(state, { kind: 'timer' }).effects).toEqual([]);
  });
});
