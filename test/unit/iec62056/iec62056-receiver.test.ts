import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDecimal } from '../../../hal/contract/index.ts';
import {
  completeObis,
  createIec62056Receiver,
  decodeIec62056Capture,
  type Iec62056Telegram,
} from '../../../hal/driver/iec62056/index.ts';
import { encodeBlock, encodePushed, exampleReadout } from '../../support/meters/iec62056-encoder.ts';

const bytesOf = (latin1: string): Uint8Array => Buffer.from(latin1, 'latin1');
const codes = (telegrams: readonly Iec62056Telegram[]): (string | null)[] =>
  telegrams.map(({ code }) => code);
const importOf = (telegram: Iec62056Telegram | undefined): string | undefined => {
  const value = telegram?.values.find(({ obis }) => obis === '1-1:1.8.0*255')?.value;
  return value && formatDecimal(value);
};
const kwh = fc.nat({ max: 99_999_999 }).map((wh) => {
  const digits = String(wh).padStart(8, '0');
  return { wh: String(wh), text: `${digits.slice(0, -3)}.${digits.slice(-3)}` };
});
const readout = (text: string, parity = false): Uint8Array => encodeBlock(exampleReadout(text), { parity });

/** Bytes in which no message can begin. */
const noise = fc
  .uint8Array({ maxLength: 60 })
  .map((bytes) => bytes.map((byte) => ([0x01, 0x02, 0x2f].includes(byte & 0x7f) ? 0x2e : byte)));
const chunks = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });

const BITS = [1, 2, 4, 8, 16, 32, 64, 128];
/** SOH, STX, ETX, ACK, line ends and what separates the parts of a line. */
const STRUCTURE = [0, 1, 2, 3, 6, 0x0a, 0x0d, ...Buffer.from(' !()*-./01:?')];

function inChunks(bytes: Uint8Array, sizes: readonly number[]): Iec62056Telegram[] {
  const receiver = createIec62056Receiver();
  const received = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length] ?? 1;
    received.push(...receiver.receive(bytes.subarray(at, at + size)));
    at += size;
  }
  received.push(...receiver.end());
  return received.flatMap((one) => (one.kind === 'telegram' ? [one.telegram] : []));
}

describe('a receiver of IEC 62056-21', () => {
  it('reads back what was encoded, to the last digit, with and without parity', () => {
    fc.assert(
      fc.property(kwh, fc.boolean(), ({ wh, text }, parity) => {
        const [telegram] = decodeIec62056Capture(readout(text, parity));
        expect(telegram).toMatchObject({ ok: true, meter: { serial: '12345678' }, checked: true });
        expect(importOf(telegram)).toBe(wh);
      }),
    );
  });

  it.each([false, true])(
    'passes no value on whichever byte lost a bit or became one that means something (parity: %s)',
    (parity) => {
      const telegram = readout('00012.345', parity);
      const believed: string[] = [];
      for (let at = telegram.indexOf(parity ? 0x82 : 0x02); at < telegram.length; at++) {
        const was = telegram[at] ?? 0;
        for (const became of [
          ...BITS.map((bit) => was ^ bit),
          ...STRUCTURE,
          ...STRUCTURE.map((c) => c | 0x80),
        ]) {
          if (became === was) continue;
          const damaged = Uint8Array.from(telegram);
          damaged[at] = became;
          if (decodeIec62056Capture(damaged).some(({ ok }) => ok)) believed.push(`${at}: ${became}`);
        }
      }
      expect(believed).toEqual([]);
    },
  );

  it('passes no value on when any one byte of a block was lost', () => {
    const telegram = readout('00012.345');
    for (let at = telegram.indexOf(0x02); at < telegram.length; at++) {
      const lost = Buffer.concat([telegram.subarray(0, at), telegram.subarray(at + 1)]);
      expect(
        decodeIec62056Capture(lost).some(({ ok }) => ok),
        `byte ${at}`,
      ).toBe(false);
    }
  });

  it('gives the same telegrams however the bytes are cut into pieces', () => {
    fc.assert(
      fc.property(fc.array(kwh, { minLength: 1, maxLength: 3 }), noise, chunks, (energies, junk, sizes) => {
        const stream = Buffer.concat(
          energies.flatMap(({ text }) => [
            readout(text),
            junk,
            encodePushed('ESY5Q3D', exampleReadout(text)),
          ]),
        );
        expect(inChunks(stream, sizes)).toEqual(decodeIec62056Capture(stream));
      }),
    );
  });

  it('finds every telegram between noise', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(noise, kwh), { minLength: 1, maxLength: 4 }), (parts) => {
        const stream = Buffer.concat(parts.flatMap(([junk, { text }]) => [junk, readout(text)]));
        const good = decodeIec62056Capture(stream).filter(({ ok }) => ok);
        expect(good.map(importOf)).toEqual(parts.map(([, { wh }]) => wh));
      }),
    );
  });

  it('refuses a block that was cut, wherever it was cut, and reads the next one glued to it', () => {
    const first = readout('00001.111');
    const second = readout('00002.222');
    const block = first.indexOf(0x02);
    for (let end = 6; end < first.length; end++) {
      const telegrams = decodeIec62056Capture(Buffer.concat([first.subarray(0, end), second]));
      // Where only its check character is missing, the slash of the next telegram stands in its place.
      const expected = end === first.length - 1 ? [] : ['2222'];
      const good = telegrams.filter(({ ok }) => ok).map(importOf);
      expect(
        good.filter((value) => value !== '2222'),
        `cut at ${end}`,
      ).toEqual([]);
      if (expected.length > 0) expect(good, `cut at ${end}`).toEqual(expected);
    }
    for (let begin = block + 1; begin < first.length; begin++) {
      const telegrams = decodeIec62056Capture(Buffer.concat([first.subarray(begin), second]));
      expect(telegrams.filter(({ ok }) => ok).map(importOf), `begun at ${begin}`).toEqual(['2222']);
    }
  });

  it('reads a block whose identification was lost: its check covers all of it', () => {
    const telegram = readout('00001.111').subarray(7);
    expect(decodeIec62056Capture(telegram)).toMatchObject([{ ok: true, identification: null }]);
  });

  it('says why it refused, in the order of the telegrams', () => {
    const good = readout('00001.111');
    const wrongCheck = Uint8Array.from(good);
    wrongCheck[40] = (wrongCheck[40] ?? 0) ^ 1;
    const wrongParity = readout('00001.111', true);
    wrongParity[40] = (wrongParity[40] ?? 0) ^ 0x80;
    const noStx = good.filter((byte) => byte !== 0x02);
    const notALine = encodeBlock(['1-1:1.8.0(00001.111*kWh', 'C.1.0(1)']);
    const stream = Buffer.concat([
      good.subarray(60),
      wrongCheck,
      wrongParity,
      noStx,
      notALine,
      good,
      good.subarray(0, 90),
    ]);
    expect(codes(decodeIec62056Capture(stream))).toEqual([
      'iec62056.cut',
      'iec62056.block_check',
      'iec62056.parity',
      'iec62056.cut',
      'iec62056.malformed',
      null,
      'iec62056.cut',
    ]);
  });

  it('refuses a block that fits its check although two equal digits were lost, or a code does not fit its unit', () => {
    const lines = ['1.8.0(0155000.5*kWh)', '2.8.0(0000001.0*kWh)'];
    const bytes = Buffer.from(encodeBlock(lines)).toString('latin1');
    expect(codes(decodeIec62056Capture(bytesOf(bytes.replace('0155000', '01000'))))).toEqual([
      'iec62056.malformed',
    ]);
    const swapped = ['32.7.0(230*A)', '1.0.0(12*kWh)', '1.7.0(12*kWh)', '1.8.0(12*kW)'];
    for (const line of swapped) {
      expect(codes(decodeIec62056Capture(encodeBlock([line]))), line).toEqual(['iec62056.malformed']);
    }
  });

  it('takes no telegram for a push when the empty line is a damaged STX', () => {
    const damaged = readout('00001.111').map((byte) => (byte === 0x02 ? 0x0a : byte));
    expect(decodeIec62056Capture(damaged).some(({ ok }) => ok)).toBe(false);
  });

  it('passes over the commands of the programming mode and reads the answers', () => {
    const check = (text: string): number => [...Buffer.from(text)].reduce((sum, byte) => sum ^ byte, 0);
    const command = 'R5\x021.8.0()\x03';
    const answer = '1.8.0(0012345.67*kWh)\x03';
    const capture = bytesOf(
      `/?!\r\n/LGZ5ZMD\r\n\x06051\r\n\x01${command}${String.fromCharCode(check(command))}\x02${answer}${String.fromCharCode(check(answer))}`,
    );
    const [telegram, ...more] = decodeIec62056Capture(capture);
    expect(more).toEqual([]);
    expect(telegram?.values).toMatchObject([{ obis: '1-0:1.8.0*255', unit: 'Wh' }]);
  });

  it('holds no more than one telegram of bounded size', () => {
    const receiver = createIec62056Receiver();
    const endless = bytesOf(`/TST5X\r\n\x02${'1.8.0(000001.000*kWh)\r\n'.repeat(5000)}`);
    const refused = receiver
      .receive(endless)
      .flatMap((one) => (one.kind === 'telegram' ? [one.telegram] : []));
    expect(codes(refused)).toEqual(['iec62056.too_long']);
    expect(receiver.receive(readout('00001.000')).at(-1)).toMatchObject({ telegram: { ok: true } });
  });

  it('never throws, whatever arrives', () => {
    const parts = [
      '/TST5X\r\n',
      '\x02',
      '\x03',
      '\x01',
      '\x06050\r\n',
      '1.8.0',
      '(',
      ')',
      '*kWh',
      '0123.4',
      '\r\n',
      '!',
      '/?!\r\n',
      '\x80',
    ];
    const anything = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.array(fc.constantFrom(...parts)).map((some) => bytesOf(some.join(''))),
      fc.string({ maxLength: 200 }).map((line) => encodeBlock([line])),
    );
    fc.assert(
      fc.property(anything, (bytes) => void decodeIec62056Capture(bytes)),
      { numRuns: 3000 },
    );
  });
});

describe('a push without block check', () => {
  const lines = [
    '1-0:1.8.0*255(00000504.9023619*kWh)',
    '1-0:2.8.0*255(00000019.3221493*kWh)',
    '1-0:16.7.0*255(-000115.94*W)',
  ];

  it('counts when every line is in form', () => {
    expect(decodeIec62056Capture(encodePushed('ESY5Q3D', lines))).toMatchObject([
      { ok: true, checked: false },
    ]);
  });

  it.each([
    ['1-0:1.8.0*255(0000504.9023619*kWh)', 'a digit was lost'],
    ['1-0:1.8.0*255(00000504.902361*kWh)', 'a decimal was lost'],
    ['1-0:1.8.0*255(00000504,9023619*kWh)', 'a point was changed'],
    ['1-0>1.8.0*255(00000504.9023619*kWh)', 'a code was changed'],
  ])('is refused with %s: %s', (line) => {
    const telegram = encodePushed('ESY5Q3D', [line, ...lines.slice(1)]);
    expect(codes(decodeIec62056Capture(telegram))).toEqual(['iec62056.malformed']);
  });

  it('is refused when one bit of any character was changed and the port delivers parity', () => {
    const telegram = encodePushed('ESY5Q3D', lines, true);
    for (let at = 1; at < telegram.length - 2; at++) {
      const damaged = Uint8Array.from(telegram);
      damaged[at] = (damaged[at] ?? 0) ^ 0x04;
      expect(
        decodeIec62056Capture(damaged).some(({ ok }) => ok),
        `byte ${at}`,
      ).toBe(false);
    }
  });
});

describe('what a readout says beside its values', () => {
  it('is a fatal error of the meter: no value of it is good then', () => {
    const [telegram] = decodeIec62056Capture(
      encodeBlock(['F.F(00000040)', '1.8.0(00012.3*kWh)', '32.7(230*V)']),
    );
    expect(telegram).toMatchObject({ ok: true, errorRegister: '00000040' });
    expect(telegram?.values.map(({ quality }) => quality)).toEqual(['E', 'E']);
  });

  it.each([
    ['1.8.0', '1-0:1.8.0*255'],
    ['1.8.1*03', '1-0:1.8.1*3'],
    ['1.8.1&03', '1-0:1.8.1*3'],
    ['1-1:1.8.0', '1-1:1.8.0*255'],
    ['1-0:21.7.255*255', '1-0:21.7.255*255'],
    ['32.7', '1-0:32.7.0*255'],
    ['C.7.0', '0-0:96.7.0*255'],
    ['1-1:F.F.0', null],
    ['FF', null],
    ['1-0:256.8.0', null],
  ])('%s is the code %s', (address, code) => {
    expect(completeObis(address)).toBe(code);
  });
});
