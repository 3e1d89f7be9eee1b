import { isDeepStrictEqual } from 'node:util';
import type {
  ByteOrder,
  ClockField,
  ClockFormat,
  DecodedTelegram,
  ObisCode,
  ProfilePoint,
  RegisterType,
} from '../../hal/contract/index.ts';
import { clockSpanOf, spanOf } from '../../hal/contract/index.ts';
import { createIec62056Receiver, decodeIec62056Capture } from '../../hal/driver/iec62056/index.ts';
import { decodeClock } from '../../hal/driver/modbus/clock-codec.ts';
import { mbapFraming } from '../../hal/driver/modbus/mbap-framing.ts';
import { decodeReadPdu, type ReadRequest } from '../../hal/driver/modbus/pdu.ts';
import { decodePoint, decodeText } from '../../hal/driver/modbus/register-codec.ts';
import { rtuFraming } from '../../hal/driver/modbus/rtu-framing.ts';
import { createP1Receiver, decodeP1Capture } from '../../hal/driver/p1/index.ts';
import { decodeSmlCapture, decodeTlv, SmlError, SmlReceiver } from '../../hal/driver/sml/index.ts';
import { encodeBlock, encodePushed, exampleReadout } from '../support/meters/iec62056-encoder.ts';
import { bitwiseCrc16Arc, exampleP1Telegram } from '../support/meters/p1-encoder.ts';
import { rtuAnswer, rtuFrame } from '../support/meters/rtu-frames.ts';
import { encodeElement, encodeFrame, smlSeeds } from '../support/meters/sml-encoder.ts';
import { foundUnless, mustHold, type FuzzTarget } from './fuzz-target.ts';
import { randomSmlTelegram, withOtherGroups } from './telegram-mutations.ts';

const MILLION = 1_000_000;

/** A refused telegram has no values, and says why; a good one says nothing of the kind. */
function judge(telegrams: readonly DecodedTelegram[]): boolean {
  for (const { ok, why, values } of telegrams) {
    mustHold(ok === (why === null), 'a telegram is refused with a reason, or good without one');
    mustHold(ok || values.length === 0, 'a refused telegram has no values');
  }
  return telegrams.some(({ ok }) => ok);
}

/** Cuts that depend on the input only. */
function* pieces(input: Uint8Array): Generator<Uint8Array> {
  const step = 1 + ((input[input.length >> 1] ?? 0) % 37);
  for (let at = 0; at < input.length; at += step) yield input.subarray(at, at + step);
}

/** Every eighth input is also fed in pieces: cuts must not change what is found. */
function alsoInPieces(input: Uint8Array): boolean {
  return input.length % 8 === 0;
}

const sml: FuzzTarget = {
  name: 'sml',
  seeds: smlSeeds(),
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    const whole = new SmlReceiver();
    const telegrams = [...whole.push(input), ...whole.end()];
    if (alsoInPieces(input)) {
      const receiver = new SmlReceiver();
      const cut = [...pieces(input)].flatMap((piece) => receiver.push(piece));
      mustHold(isDeepStrictEqual([...cut, ...receiver.end()], telegrams), 'cuts change nothing');
    }
    decodeSmlCapture(input);
    return judge(telegrams);
  },
  mutate: (_seed, random) => randomSmlTelegram(random),
  // The bytes between start and end, framed anew: the checksum of the frame is right, those of the messages may not be.
  repair: (input) => encodeFrame(input.subarray(8, Math.max(8, input.length - 8))),
};

const smlElements: FuzzTarget = {
  name: 'sml-elements',
  seeds: [
    encodeElement([{ uint: 5n }, { int: -300n, bytes: 5 }, true, null, [new Uint8Array(40)]]),
    encodeElement(Array.from({ length: 300 }, () => null)),
    encodeElement([[[[[[[[{ uint: 2n ** 63n }]]]]]]]]),
  ],
  fullRuns: MILLION,
  maxMs: 200,
  run: (input) =>
    foundUnless(
      (error) => error instanceof SmlError,
      () => decodeTlv(input),
    ),
};

const p1: FuzzTarget = {
  name: 'p1',
  seeds: [exampleP1Telegram(1_234_567), exampleP1Telegram(0)],
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    const telegrams = decodeP1Capture(input);
    if (alsoInPieces(input)) {
      const receiver = createP1Receiver();
      const cut = [...pieces(input)].flatMap((piece) => receiver.receive(piece));
      mustHold(isDeepStrictEqual([...cut, ...receiver.end()], telegrams), 'cuts change nothing');
    }
    return judge(telegrams);
  },
  mutate: (seed, random) => p1.repair?.(withOtherGroups(seed, random), random) ?? seed,
  repair(input) {
    const end = input.lastIndexOf(0x21);
    if (end < 0) return input;
    const body = input.subarray(0, end + 1);
    const crc = bitwiseCrc16Arc(body).toString(16).toUpperCase().padStart(4, '0');
    return new Uint8Array(Buffer.concat([body, Buffer.from(`${crc}\r\n`)]));
  },
};

const iec62056: FuzzTarget = {
  name: 'iec62056',
  seeds: [
    encodeBlock(exampleReadout('0123456.78')),
    encodeBlock(exampleReadout('0.5'), { parity: true }),
    encodePushed('TST5EXAMPLE', exampleReadout('17')),
    encodePushed('TST5EXAMPLE', exampleReadout('17'), true),
  ],
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    const telegrams = decodeIec62056Capture(input);
    if (alsoInPieces(input)) {
      const receiver = createIec62056Receiver();
      const received = [...pieces(input)].flatMap((piece) => receiver.receive(piece));
      const cut = [...received, ...receiver.end()].flatMap((each) =>
        each.kind === 'telegram' ? [each.telegram] : [],
      );
      mustHold(isDeepStrictEqual(cut, telegrams), 'cuts change nothing');
    }
    return judge(telegrams);
  },
  mutate: (seed, random) => iec62056.repair?.(withOtherGroups(seed, random), random) ?? seed,
  repair(input) {
    const begin = input.indexOf(0x02);
    const end = input.lastIndexOf(0x03);
    if (begin < 0 || end < begin) return input;
    const repaired = input.slice(0, end + 2);
    let check = 0;
    for (const byte of repaired.subarray(begin + 1, end + 1)) check ^= byte;
    return new Uint8Array([...input.subarray(0, end + 1), check]);
  },
};

const REQUEST: ReadRequest = { unitId: 7, table: 'input', registerAddress: 0x34, registerCount: 4 };
const WORDS = [0x4360, 0x1234, 0, 0xffff];

const rtu: FuzzTarget = {
  name: 'modbus-rtu',
  seeds: [
    rtuAnswer(7, 4, WORDS),
    rtuFrame(7, 0x84, 2),
    rtuAnswer(9, 4, WORDS),
    new Uint8Array([...rtuAnswer(9, 3, [1]), ...rtuAnswer(7, 4, WORDS)]),
  ],
  fullRuns: 3 * MILLION,
  maxMs: 200,
  run(input) {
    const reception = rtuFraming.receive(input, REQUEST, 0);
    if (reception.kind !== 'answer') return false;
    mustHold(reception.byteCount <= input.length, 'an answer ends within the input');
    if (reception.answer.kind !== 'registers') return true;
    const { registers } = reception.answer;
    mustHold(registers.length === 8, 'as many registers as were asked for');
    const frame = rtuFrame(7, 4, 8, ...registers);
    const end = input.subarray(reception.byteCount - frame.length, reception.byteCount);
    mustHold(
      Buffer.compare(frame, end) === 0,
      'the registers stand in a frame of this unit with the right CRC',
    );
    return true;
  },
  repair: (input) => rtuFrame(...input.subarray(0, Math.max(0, input.length - 2))),
};

function mbapFrame(pdu: readonly number[], transaction = 1): Uint8Array {
  return Uint8Array.from([transaction >> 8, transaction & 0xff, 0, 0, 0, pdu.length + 1, 7, ...pdu]);
}

const GOOD_PDU = [4, 8, 0x43, 0x60, 0x12, 0x34, 0, 0, 0xff, 0xff];

const mbap: FuzzTarget = {
  name: 'modbus-tcp',
  seeds: [mbapFrame(GOOD_PDU), mbapFrame([0x84, 2]), mbapFrame(GOOD_PDU, 0x1234)],
  fullRuns: 3 * MILLION,
  maxMs: 200,
  run(input) {
    const reception = mbapFraming.receive(input, REQUEST, 1);
    if (reception.kind !== 'answer') return false;
    mustHold(reception.byteCount <= input.length, 'an answer ends within the input');
    mustHold(input[1] === 1 && input[0] === 0, 'the answer is to this transaction');
    return true;
  },
  repair: (input) => mbapFrame([...input.subarray(7)].slice(0, 253)),
};

const pdu: FuzzTarget = {
  name: 'modbus-pdu',
  seeds: [Uint8Array.from(GOOD_PDU), Uint8Array.of(0x84, 2)],
  fullRuns: 3 * MILLION,
  maxMs: 200,
  run: (input) => decodeReadPdu(input, REQUEST).kind !== 'wrong',
};

const TYPES: readonly RegisterType[] = [
  ...(['u16', 's16', 'u32', 's32', 'u48', 's48', 'u64', 's64'] as const),
  ...(['float32', 'float64', 'bcd', 'string'] as const),
];
const ORDERS: readonly ByteOrder[] = ['ABCD', 'CDAB', 'BADC', 'DCBA'];
const CLOCKS: readonly ClockFormat[] = ['unixSeconds', 'bytesYmdhms', 'registersYmdhms', 'iec870-5-4'];

/** The first four bytes choose a field, the others are its registers. */
const registers: FuzzTarget = {
  name: 'modbus-registers',
  seeds: [
    Uint8Array.of(2, 0, 0, 0, 0, 1, 0xe2, 0x40),
    Uint8Array.of(8, 1, 1, 3, 0x43, 0x60, 0x12, 0x34),
    Uint8Array.of(9, 2, 3, 9, 0x40, 0x6c, 0xcc, 0xcc, 0xcc, 0xcc, 0xcc, 0xcd),
    Uint8Array.of(10, 3, 2, 2, 0x12, 0x34, 0x56, 0x78),
    Uint8Array.of(11, 0, 0, 4, 0x4b, 0x5a, 0x31, 0x32, 0x38, 0x30, 0, 0),
  ],
  fullRuns: 3 * MILLION,
  maxMs: 200,
  run(input) {
    const [type = 0, order = 0, extra = 0, exponent = 0, ...content] = input;
    const point: ProfilePoint = {
      obis: '1-0:1.8.0*255' as ObisCode,
      ...{ table: 'input', registerAddress: 0, documentRef: '0', unit: 'Wh', direction: 'export' },
      type: TYPES[type % TYPES.length] ?? 'u16',
      byteOrder: ORDERS[order % ORDERS.length] ?? 'ABCD',
      decimalExponent: (exponent % 32) - 16,
      registerCount: 1 + (extra % 5),
      ...(extra & 0x20 ? { absent: ['0xFFFFFFFF', '0x8000'] } : {}),
      ...(extra & 0x40 ? { bitField: { firstBit: extra % 16, bitCount: 1 + (exponent % 16) } } : {}),
      ...(extra & 0x80
        ? {
            decimalExponentFrom: {
              ...{ registerAddress: 5, documentRef: '5', type: 's16', byteOrder: 'ABCD' },
            } as const,
          }
        : {}),
    };
    const size = 2 * spanOf(point).registerCount;
    const fitting = Uint8Array.from({ length: size }, (_, index) => content[index] ?? 0);
    decodeText(point, Uint8Array.from(content));
    const clock: ClockField = {
      ...{ table: 'holding', registerAddress: 0, documentRef: '0' },
      format: CLOCKS[extra % CLOCKS.length] ?? 'unixSeconds',
      byteOrder: point.byteOrder,
    };
    const clockBytes = Uint8Array.from(
      { length: 2 * clockSpanOf(clock).registerCount },
      (_, index) => content[index] ?? 0,
    );
    const time = decodeClock(clock, clockBytes);
    mustHold(time === undefined || !Number.isNaN(Date.parse(`${time}Z`)), 'a clock shows a date or nothing');
    return decodePoint(point, fitting).kind === 'number';
  },
};

/** What comes from meters and their lines. */
export const METER_TARGETS: readonly FuzzTarget[] = [
  sml,
  smlElements,
  p1,
  iec62056,
  rtu,
  mbap,
  pdu,
  registers,
];
