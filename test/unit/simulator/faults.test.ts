import { describe, expect, it } from 'vitest';
import { FaultBoard } from '../../../hal/simulator/fault-board.ts';
import { deliver, isApplicable, type Delivery, type Fault } from '../../../hal/simulator/fault.ts';
import { crc16, type Framing } from '../../../hal/simulator/modbus-frame.ts';
import { createRandom } from '../../../hal/simulator/random.ts';

const ANSWER = { unitId: 1, transactionId: 0x0102, pdu: Buffer.from('0404449a5225', 'hex') };
const RTU = Buffer.from('010404449a5225', 'hex');
const RIGHT: Record<Framing, Buffer> = {
  rtu: Buffer.concat([RTU, Buffer.from([crc16(RTU) & 0xff, crc16(RTU) >>> 8])]),
  mbap: Buffer.from('010200000007010404449a5225', 'hex'),
};

const under = (framing: Framing, fault?: Fault): readonly Delivery[] =>
  deliver(framing, ANSWER, fault, createRandom(1, 'noise'));

function sent(framing: Framing, fault?: Fault): Buffer {
  const [first, ...rest] = under(framing, fault);
  if (first?.kind !== 'send' || rest.length > 0) throw new Error('not one piece');
  return first.bytes;
}

const hasGoodCrc = (frame: Buffer) => crc16(frame.subarray(0, -2)) === frame.readUInt16LE(frame.length - 2);

describe.each(['rtu', 'mbap'] as const)('on %s', (framing) => {
  const right = RIGHT[framing];
  const unitAt = framing === 'rtu' ? 0 : 6;

  it('no fault sends the answer', () => {
    expect(under(framing)).toEqual([{ kind: 'send', afterMs: 0, bytes: right }]);
  });

  it('silent sends nothing; late sends the answer later', () => {
    expect(under(framing, { kind: 'silent' })).toEqual([]);
    expect(under(framing, { kind: 'late', ms: 700 })).toEqual([{ kind: 'send', afterMs: 700, bytes: right }]);
  });

  it('exception and busy refuse, well-formed', () => {
    for (const [fault, code] of [
      [{ kind: 'exception', code: 4 }, 4],
      [{ kind: 'busy' }, 6],
    ] as const) {
      const frame = sent(framing, fault);
      expect([...frame.subarray(unitAt, unitAt + 3)]).toEqual([1, 0x84, code]);
      if (framing === 'rtu') expect(hasGoodCrc(frame)).toBe(true);
    }
  });

  it('wrongUnit and wrongFunction are well-formed answers to somebody else', () => {
    const unit = sent(framing, { kind: 'wrongUnit' });
    const functionCode = sent(framing, { kind: 'wrongFunction' });
    expect(unit[unitAt]).toBe(2);
    expect(functionCode[unitAt + 1]).toBe(3);
    if (framing === 'rtu') expect([hasGoodCrc(unit), hasGoodCrc(functionCode)]).toEqual([true, true]);
  });

  it('wrongByteCount is well-formed and two registers short', () => {
    expect([...sent(framing, { kind: 'wrongByteCount' }).subarray(unitAt, unitAt + 3)]).toEqual([1, 4, 0]);
  });

  it('shortFrame lacks its end, longFrame has too much', () => {
    expect(sent(framing, { kind: 'shortFrame', missing: 3 })).toEqual(right.subarray(0, -3));
    const long = sent(framing, { kind: 'longFrame', extra: 4 });
    expect([long.subarray(0, -4), long.length]).toEqual([right, right.length + 4]);
  });

  it('glued is the answer twice in one piece, duplicate in two', () => {
    expect(sent(framing, { kind: 'glued' })).toEqual(Buffer.concat([right, right]));
    expect(under(framing, { kind: 'duplicate', ms: 9 })).toEqual([
      { kind: 'send', afterMs: 0, bytes: right },
      { kind: 'send', afterMs: 9, bytes: right },
    ]);
  });

  it('noiseBefore ends with the answer, garbage is none', () => {
    const noisy = sent(framing, { kind: 'noiseBefore', bytes: 5 });
    expect([noisy.subarray(5), noisy.length]).toEqual([right, right.length + 5]);
    expect(sent(framing, { kind: 'garbage' })).not.toEqual(right);
    expect(sent(framing, { kind: 'garbage' })).toHaveLength(right.length);
  });

  it('byteByByte is the answer in pieces of one byte', () => {
    const pieces = under(framing, { kind: 'byteByByte', gapMs: 2 });
    expect(
      Buffer.concat(pieces.map((each) => (each.kind === 'send' ? each.bytes : Buffer.alloc(0)))),
    ).toEqual(right);
    expect(pieces.map((each) => (each.kind === 'send' ? each.afterMs : -1))).toEqual(
      Array.from(right, (_, index) => index * 2),
    );
  });
});

it('corruptCrc and corruptData differ from the answer by one bit', () => {
  for (const [kind, at] of [
    ['corruptCrc', RIGHT.rtu.length - 1],
    ['corruptData', RIGHT.rtu.length - 3],
  ] as const) {
    const frame = sent('rtu', { kind });
    const differing = [...frame].flatMap((byte, index) => (byte === RIGHT.rtu[index] ? [] : [index]));
    expect(differing).toEqual([at]);
    expect(hasGoodCrc(frame)).toBe(false);
  }
});

it('the faults of MBAP spoil one field of the header each', () => {
  expect(sent('mbap', { kind: 'bogusProtocolId' }).readUInt16BE(2)).not.toBe(0);
  expect(sent('mbap', { kind: 'bogusLength' }).readUInt16BE(4)).toBeGreaterThan(254);
  expect(sent('mbap', { kind: 'wrongTransaction' }).readUInt16BE(0)).not.toBe(0x0102);
  expect(under('mbap', { kind: 'swappedOrder' })).toEqual([{ kind: 'hold', bytes: RIGHT.mbap }]);
});

it('closeSocket sends nothing, closeInAnswer one half', () => {
  expect(under('mbap', { kind: 'closeSocket' })).toEqual([{ kind: 'close', afterMs: 0 }]);
  const [half, end] = under('mbap', { kind: 'closeInAnswer' });
  expect(half).toMatchObject({ kind: 'send', bytes: RIGHT.mbap.subarray(0, 6) });
  expect(end?.kind).toBe('close');
});

it('a line has only the faults that its kind can have', () => {
  const pty = { framing: 'rtu', socket: false } as const;
  const tcp = { framing: 'mbap', socket: true } as const;
  expect(
    (['corruptCrc', 'bogusLength', 'closeSocket', 'silent'] as const).map((kind) => isApplicable(kind, pty)),
  ).toEqual([true, false, false, true]);
  expect(
    (['corruptCrc', 'bogusLength', 'closeSocket', 'silent'] as const).map((kind) => isApplicable(kind, tcp)),
  ).toEqual([false, true, true, true]);
});

describe('the switches', () => {
  const board = () =>
    new FaultBoard(
      new Map([
        ['pty', { framing: 'rtu', socket: false }],
        ['tcp', { framing: 'mbap', socket: true }],
      ]),
    );

  it('hit the unit that was named, as often as was said', () => {
    const faults = board();
    faults.inject({ line: 'pty', unitId: 2 }, { kind: 'silent' }, { times: 2 });
    const taken = [1, 2, 2, 2].map((unitId) => faults.take('pty', unitId)?.kind);
    expect(taken).toEqual([undefined, 'silent', 'silent', undefined]);
  });

  it('hit the whole line until they are turned off, the last one first', () => {
    const faults = board();
    faults.inject({ line: 'tcp' }, { kind: 'silent' });
    const off = faults.inject({ line: 'tcp' }, { kind: 'busy' });
    expect([faults.take('tcp', 1)?.kind, faults.take('pty', 1)?.kind]).toEqual(['busy', undefined]);
    off();
    expect(faults.take('tcp', 9)?.kind).toBe('silent');
    faults.clear();
    expect(faults.take('tcp', 9)).toBeUndefined();
  });

  it('cannot be set for a line that is not there or cannot have that fault', () => {
    expect(() => board().inject({ line: 'can' }, { kind: 'silent' })).toThrow(
      expect.objectContaining({ code: 'simulator.bad_option' }),
    );
    expect(() => board().inject({ line: 'pty' }, { kind: 'closeSocket' })).toThrow(
      expect.objectContaining({ code: 'simulator.fault_inapplicable' }),
    );
  });
});
