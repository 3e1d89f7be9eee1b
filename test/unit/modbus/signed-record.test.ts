import { describe, expect, it } from 'vitest';
import {
  MeterError,
  type Exchange,
  type ExchangeResult,
  type Line,
  type MeterProfile,
} from '../../../hal/contract/index.ts';
import { createModbusMeter } from '../../../hal/driver/modbus/index.ts';
import { loadProfile } from '../../../hal/profile/index.ts';
import { readOcmf } from '../../../src/ocmf/index.ts';
import { hasCode } from '../../support/has-code.ts';
import { parseRtuRequest, rtuAnswer, rtuFrame } from '../../support/meters/rtu-frames.ts';

const UNIT = 42;
const BSM = await loadProfile('bauer-bsm-ws36a');

/** What a BSM-WS36A signed: the example of its maker's documentation (chargeIT mobility, bsm-python, doc/examples/ocmf.md). */
const RECORD =
  'OCMF|{"FV":"1.0","GI":"BAUER Electronic BSM-WS36A-H01-1311-0000","GS":"001BZR1521070006","GV":"1.9:32CA:AFF4, 6d1dd3c",' +
  '"PG":"T22990","MV":"BAUER Electronic","MM":"BSM-WS36A-H01-1311-0000","MS":"001BZR1521070006","IS":true,"IT":"UNDEFINED",' +
  '"ID":"contract-id: rfid:12345678abcdef","RD":[{"TM":"2021-01-01T10:00:39,000+0100 U","TX":"C","RV":0,"RI":"1-0:1.8.0*198",' +
  '"RU":"Wh","XV":52620,"XI":"1-0:1.8.0*255","XU":"Wh","XT":0,"RT":"AC","EF":"","ST":"G"}]}|{"SA":"ECDSA-secp256r1-SHA256",' +
  '"SD":"3046022100806de4c69300a60473dae527cdb5bdabd04bdacbe83713408039545efe4d8a94022100938cf70885a2866e1f694b13f10f6afbb975f97a21590fcd670298dd400702ca"}';

/** The same meter, asked for its current snapshot: the one whose frames are in that documentation. */
const CURRENT: MeterProfile = {
  ...BSM,
  signedRecords: {
    ...{ format: 'OCMF', command: 2, busy: 2, ready: 0, timeoutMs: 15_000 },
    begin: { statusAddress: 40524, textAddress: 41795, textRegisters: 496, documentRef: '40525, 41796' },
    end: { statusAddress: 40524, textAddress: 41795, textRegisters: 496, documentRef: '40525, 41796' },
  },
};

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** A unit that signs when it is told to, behind a line without time; `statuses` are what it says one after the other. */
function signingUnit(
  statuses: readonly number[],
  text: string | Uint8Array = RECORD,
  kind: Line['kind'] = 'serial',
) {
  const frames: string[] = [];
  const answers: Uint8Array[] = [];
  const words = new Uint8Array(992);
  words.set(typeof text === 'string' ? new TextEncoder().encode(text) : text);
  const word = (at: number): number => ((words[2 * at] ?? 0) << 8) | (words[2 * at + 1] ?? 0);
  const said = [...statuses];
  let nowMs = 0;
  const answerTo = (request: Uint8Array): Uint8Array => {
    const { unitId, functionCode, address, count } = parseRtuRequest(request);
    if (functionCode === 0x10) return rtuFrame(unitId, 0x10, ...request.subarray(2, 6));
    const status = said.length > 1 ? said.shift() : said[0];
    const contents =
      count === 1 ? [status ?? 0] : Array.from({ length: count }, (_, i) => word(address - 41795 + i));
    return rtuAnswer(unitId, functionCode, contents);
  };
  const line = {
    id: 'line',
    kind,
    async exchange<Answer>(exchange: Exchange<Answer>): Promise<ExchangeResult<Answer>> {
      const request = exchange.request(7);
      const rtu = kind === 'tcp' ? rtuFrame(...request.subarray(6)) : request;
      frames.push(hex(rtu));
      const answer = answerTo(rtu);
      answers.push(answer);
      const pdu = answer.subarray(1, -2);
      const received = kind === 'tcp' ? Uint8Array.of(0, 7, 0, 0, 0, pdu.length + 1, UNIT, ...pdu) : answer;
      const reception = exchange.receive(received, 7);
      if (reception.kind !== 'answer') throw new Error(reception.kind);
      nowMs += 400 + (exchange.turnaroundMs ?? 0);
      return { answer: reception.answer, sentMonoMs: nowMs - 400, receivedMonoMs: nowMs, attempts: 1 };
    },
  } as Partial<Line> as Line;
  const meter = createModbusMeter({ id: 'evse1', line, unitId: UNIT, profile: CURRENT });
  return { meter, line, frames, answers };
}

describe('a meter that signs by itself', () => {
  it('is asked with the frames of its documentation, and its record comes out as it stood in its registers', async () => {
    const { meter, frames, answers } = signingUnit([0]);
    const record = await meter.readSignedRecord?.('begin');
    expect(record).toEqual({ format: 'OCMF', encoding: 'text', data: RECORD });
    expect(readOcmf(record?.data ?? '')[0]?.record.pagination?.number).toBe(22990n);
    expect(frames).toEqual([
      '2a109e4c0001020002bca5',
      '2a039e4c00016c2e',
      '2a03a343007d5060',
      '2a03a3c0007da188',
      '2a03a43d007d310c',
    ]);
    // With the checksums that the documentation shows, the record is the very one that the meter gave.
    expect(answers.slice(2).map((answer) => hex(answer.slice(-2)))).toEqual(['d949', 'b113', 'f084']);
  });

  it('is waited for while it signs', async () => {
    const { meter, frames } = signingUnit([2, 2, 2, 0]);
    expect((await meter.readSignedRecord?.('end'))?.data).toBe(RECORD);
    expect(frames.filter((frame) => frame.startsWith('2a039e4c'))).toHaveLength(4);
  });

  it('signs over Modbus TCP as well', async () => {
    const { meter } = signingUnit([2, 0], RECORD, 'tcp');
    expect((await meter.readSignedRecord?.('begin'))?.data).toBe(RECORD);
  });

  it.each([1, 3, 4, 5])('has not signed when its status is %i', async (status) => {
    const { meter, frames } = signingUnit([2, status]);
    await expect(meter.readSignedRecord?.('begin')).rejects.toThrow(hasCode('meter.exception'));
    // What lies in the registers is of another session.
    expect(frames.some((frame) => frame.startsWith('2a03a3'))).toBe(false);
  });

  it('is given up when it never comes to an end', async () => {
    const { meter } = signingUnit([2]);
    await expect(meter.readSignedRecord?.('begin')).rejects.toThrow(hasCode('meter.timeout'));
  });

  it('is not asked again, nor read, when the command was not answered', async () => {
    const { line, frames } = signingUnit([0]);
    const silent = {
      ...line,
      exchange: async (exchange: Exchange<unknown>) => {
        expect(exchange.attempts).toBe(1);
        frames.push('sent');
        return await Promise.reject(new MeterError('meter.timeout', 'no answer'));
      },
    } as Line;
    const meter = createModbusMeter({ id: 'evse1', line: silent, unitId: UNIT, profile: CURRENT });
    await expect(meter.readSignedRecord?.('begin')).rejects.toMatchObject({
      code: 'meter.timeout',
      effect: 'unknown',
    });
    expect(frames).toEqual(['sent']);
  });

  it('may refuse the command', async () => {
    const { line } = signingUnit([0]);
    const refusing = {
      ...line,
      exchange: async (exchange: Exchange<unknown>) => {
        const reception = exchange.receive(rtuFrame(UNIT, 0x90, 2), 0);
        if (reception.kind !== 'answer') throw new Error(reception.kind);
        expect(reception.refusal).toBe('names nothing');
        return await Promise.resolve({
          answer: reception.answer,
          sentMonoMs: 0,
          receivedMonoMs: 1,
          attempts: 1,
        });
      },
    } as Line;
    const meter = createModbusMeter({ id: 'evse1', line: refusing, unitId: UNIT, profile: CURRENT });
    await expect(meter.readSignedRecord?.('begin')).rejects.toThrow(hasCode('meter.exception'));
  });

  it('gives its bytes in hexadecimal when they are no text', async () => {
    const { meter } = signingUnit([0], Uint8Array.of(0x4f, 0xff, 0xfe));
    expect(await meter.readSignedRecord?.('begin')).toEqual({
      format: 'OCMF',
      encoding: 'hex',
      data: '4ffffe',
    });
  });

  it('has a profile that says so; another meter cannot be asked', async () => {
    const { line } = signingUnit([0]);
    const other = createModbusMeter({
      id: 'a',
      line,
      unitId: 1,
      profile: await loadProfile('eastron-sdm630'),
    });
    expect('readSignedRecord' in other).toBe(false);
    // Start and end snapshots, which switch no contactor: model 64901 at 41284 and 41538, its OCMF at 43292 and 43792.
    expect(BSM.signedRecords?.begin).toMatchObject({
      statusAddress: 41284 - 1 + 2 + 1,
      textAddress: 43292 - 1 + 2 + 2,
    });
    expect(BSM.signedRecords?.end).toMatchObject({
      statusAddress: 41538 - 1 + 2 + 1,
      textAddress: 43792 - 1 + 2 + 2,
    });
  });
});

describe('the answer to a command', () => {
  const { line } = signingUnit([0]);
  let exchange: Exchange<unknown> | undefined;
  const catching = {
    ...line,
    exchange: (one: Exchange<unknown>) => {
      exchange = one;
      return Promise.reject(new MeterError('line.closed', 'enough'));
    },
  } as Line;

  it('is looked for among noise, and is nobody else’s', async () => {
    const meter = createModbusMeter({ id: 'evse1', line: catching, unitId: UNIT, profile: CURRENT });
    await meter.readSignedRecord?.('begin').catch(() => undefined);
    const answer = rtuFrame(UNIT, 0x10, 0x9e, 0x4c, 0, 1);
    const receive = (...bytes: readonly number[]) => exchange?.receive(Uint8Array.from(bytes), 0).kind;
    expect(receive(...answer)).toBe('answer');
    expect(receive(0x2a, 0x10, 0xff, ...answer, 0)).toBe('answer');
    expect(receive()).toBe('incomplete');
    expect(receive(...answer.subarray(0, -1))).toBe('incomplete');
    expect(receive(...answer.subarray(0, -1), 0)).toBe('damaged');
    expect(receive(...rtuFrame(UNIT, 0x10, 0x9e, 0x4d, 0, 1))).toBe('damaged');
    expect(receive(...rtuFrame(UNIT + 1, 0x10, 0x9e, 0x4c, 0, 1))).toBe('damaged');
    expect(receive(...rtuAnswer(UNIT, 3, [1, 2]))).toBe('damaged');
  });
});
