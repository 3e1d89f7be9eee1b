import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { crc16, encodeFrame, RequestReader, type Request } from '../../../hal/simulator/modbus-frame.ts';

const request = fc.record<Request>({
  unitId: fc.integer({ min: 1, max: 247 }),
  transactionId: fc.integer({ min: 0, max: 0xffff }),
  pdu: fc
    .tuple(fc.constantFrom(3, 4), fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 1, max: 125 }))
    .map(([functionCode, address, count]) =>
      Buffer.from([functionCode, address >>> 8, address & 0xff, 0, count]),
    ),
});

function readInPieces(reader: RequestReader, bytes: Buffer, cuts: readonly number[]): Request[] {
  const found: Request[] = [];
  let from = 0;
  for (const cut of [...cuts.map((each) => each % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    const requests = reader.read(bytes.subarray(from, cut));
    if (requests !== 'lost') found.push(...requests);
    from = cut;
  }
  return found;
}

describe('requests on the wire', () => {
  it('have the check sum of the Modbus documents', () => {
    // Two input registers from 48h of unit 1.
    expect(
      encodeFrame('rtu', { unitId: 1, transactionId: 0, pdu: Buffer.from('0400480002', 'hex') }),
    ).toEqual(Buffer.from('010400480002f1dd', 'hex'));
    // CRC-16/MODBUS check value of the CRC catalogue.
    expect(crc16(Buffer.from('123456789'))).toBe(0x4b37);
  });

  it.each(['rtu', 'mbap'] as const)('are found however a stream of %s is cut', (framing) => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 1, maxLength: 5 }), fc.array(fc.nat()), (requests, cuts) => {
        const bytes = Buffer.concat(requests.map((each) => encodeFrame(framing, each)));
        const found = readInPieces(new RequestReader(framing), bytes, cuts);
        const expected =
          framing === 'mbap' ? requests : requests.map((each) => ({ ...each, transactionId: 0 }));
        expect(found).toEqual(expected);
      }),
    );
  });

  it('on a serial line are found again after noise, once the line was silent', () => {
    fc.assert(
      fc.property(request, fc.uint8Array({ maxLength: 300 }), (each, noise) => {
        const reader = new RequestReader('rtu');
        reader.read(noise);
        reader.forget();
        expect(reader.read(encodeFrame('rtu', each))).toEqual([{ ...each, transactionId: 0 }]);
      }),
    );
  });

  it('with a flipped bit are not answered', () => {
    fc.assert(
      fc.property(request, fc.nat({ max: 63 }), (each, bit) => {
        const bytes = encodeFrame('rtu', each);
        bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        expect(new RequestReader('rtu').read(bytes)).toEqual([]);
      }),
    );
  });

  it('with a header that is not Modbus end the connection', () => {
    for (const header of ['000100010006', '000100000001', '00010000ffff']) {
      expect(new RequestReader('mbap').read(Buffer.from(`${header}010400480002`, 'hex'))).toBe('lost');
    }
  });
});
