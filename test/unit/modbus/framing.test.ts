import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc16 } from '../../../hal/driver/modbus/crc16.ts';
import { mbapFraming } from '../../../hal/driver/modbus/mbap-framing.ts';
import type { ReadRequest } from '../../../hal/driver/modbus/pdu.ts';
import { rtuFraming } from '../../../hal/driver/modbus/rtu-framing.ts';
import { rtuAnswer, rtuFrame } from '../../support/meters/rtu-frames.ts';

const REQUEST: ReadRequest = { unitId: 17, table: 'input', registerAddress: 8, registerCount: 2 };
const WORDS = [0x1234, 0xabcd];
const ANSWER = rtuAnswer(17, 4, WORDS);
const CONTENT = Uint8Array.of(0x12, 0x34, 0xab, 0xcd);
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const join = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

describe('CRC-16/MODBUS', () => {
  it('has the check value of its catalogue entry', () => {
    expect(crc16(Buffer.from('123456789'))).toBe(0x4b37);
  });

  it('agrees with an independent implementation', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 255 }), (bytes) => {
        const frame = rtuFrame(...bytes);
        expect(crc16(bytes)).toBe((frame.at(-2) ?? 0) | ((frame.at(-1) ?? 0) << 8));
      }),
    );
  });
});

describe('RTU framing', () => {
  it('asks as the Eastron manual prints it', () => {
    const request: ReadRequest = { unitId: 1, table: 'input', registerAddress: 0, registerCount: 2 };
    expect(hex(rtuFraming.encode(request, 0))).toBe('01040000000271cb');
  });

  it('finds the answer after noise and before noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 10 }), (before, after) => {
        let received = join(before, ANSWER, after);
        let reception = rtuFraming.receive(received, REQUEST, 0);
        while (reception.kind === 'discard') {
          received = received.subarray(reception.byteCount);
          reception = rtuFraming.receive(received, REQUEST, 0);
        }
        expect(reception).toMatchObject({
          kind: 'answer',
          answer: { kind: 'registers', registers: CONTENT },
        });
      }),
    );
  });

  it('takes no frame with any bit changed', () => {
    fc.assert(
      fc.property(fc.nat(ANSWER.length * 8 - 1), (bit) => {
        const damaged = ANSWER.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        expect(rtuFraming.receive(damaged, REQUEST, 0).kind).not.toBe('answer');
      }),
      { numRuns: 500 },
    );
  });

  it('waits while the frame grows, whatever its pieces', () => {
    for (let length = 0; length < ANSWER.length; length++) {
      expect(rtuFraming.receive(ANSWER.subarray(0, length), REQUEST, 0).kind).toBe('incomplete');
    }
  });

  it.each([
    ['of another unit', rtuAnswer(18, 4, WORDS), '18'],
    ['of another function', rtuAnswer(17, 3, WORDS), '17'],
    ['with another number of registers', rtuAnswer(17, 4, [1, 2, 3]), '17'],
    ['that is an exception to another function', rtuFrame(17, 0x83, 2), '17'],
  ])('discards a valid answer %s and says whose it is', (_name, frame, from) => {
    expect(rtuFraming.receive(join(frame, ANSWER.subarray(0, 3)), REQUEST, 0)).toMatchObject({
      kind: 'discard',
      byteCount: frame.length,
      from,
    });
  });

  it('hands over an exception', () => {
    expect(rtuFraming.receive(rtuFrame(17, 0x84, 2), REQUEST, 0)).toMatchObject({
      kind: 'answer',
      answer: { kind: 'exception', code: 2 },
    });
  });
});

describe('MBAP framing', () => {
  const frame = (
    transaction: number,
    protocol: number,
    length: number,
    ...rest: readonly number[]
  ): Uint8Array =>
    Uint8Array.of(
      transaction >> 8,
      transaction & 255,
      protocol >> 8,
      protocol & 255,
      length >> 8,
      length & 255,
      ...rest,
    );
  const right = frame(77, 0, 7, 17, 4, 4, ...CONTENT);

  it('asks with the transaction id, protocol 0 and the unit', () => {
    expect(hex(mbapFraming.encode(REQUEST, 0x1234))).toBe('12340000000611' + '0400080002');
  });

  it('takes the answer to its transaction, byte by byte', () => {
    for (let length = 0; length < right.length; length++) {
      expect(mbapFraming.receive(right.subarray(0, length), REQUEST, 77).kind).toBe('incomplete');
    }
    expect(mbapFraming.receive(right, REQUEST, 77)).toEqual({
      kind: 'answer',
      answer: { kind: 'registers', registers: CONTENT },
      byteCount: right.length,
    });
  });

  it('drops an answer to another transaction and nothing behind it', () => {
    expect(mbapFraming.receive(join(right, right), REQUEST, 78)).toMatchObject({
      kind: 'discard',
      byteCount: right.length,
    });
  });

  it.each([
    ['a protocol id other than 0', frame(77, 5, 7, 17, 4, 4, ...CONTENT)],
    ['a length that no Modbus frame has', frame(77, 0, 0x7f07, 17, 4, 4, ...CONTENT)],
    ['a length too short for a PDU', frame(77, 0, 1, 17, 4, 4, ...CONTENT)],
  ])('asks for a new connection after %s', (_name, bytes) => {
    expect(mbapFraming.receive(bytes, REQUEST, 77)).toMatchObject({ kind: 'damaged', reopen: true });
  });

  it.each([
    ['another unit', frame(77, 0, 7, 18, 4, 4, ...CONTENT)],
    ['another function', frame(77, 0, 7, 17, 3, 4, ...CONTENT)],
    ['another byte count', frame(77, 0, 7, 17, 4, 2, ...CONTENT)],
    ['fewer bytes than it counts', frame(77, 0, 5, 17, 4, 4, 1, 2)],
    ['a write', frame(77, 0, 6, 17, 6, 0, 8, 0, 2)],
  ])('refuses the right transaction with %s', (_name, bytes) => {
    expect(mbapFraming.receive(bytes, REQUEST, 77)).toMatchObject({
      kind: 'damaged',
      byteCount: bytes.length,
    });
  });

  it('never throws and never answers for random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(mbapFraming.receive(bytes, REQUEST, 77).kind).not.toBe('answer');
        expect(rtuFraming.receive(bytes, REQUEST, 77).kind).not.toBe('answer');
      }),
      { numRuns: 1_000 },
    );
  });
});
