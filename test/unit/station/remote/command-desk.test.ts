import { describe, expect, it } from 'vitest';
import { StationError } from '../../../../hal/contract/index.ts';
import { CommandGate, type ResponsePart } from '../../../../src/remote/index.ts';
import { CommandDesk } from '../../../../src/station/remote/command-desk.ts';
import type { Handlers } from '../../../../src/station/remote/handler.ts';
import { ReplyRoom } from '../../../../src/station/remote/reply-room.ts';
import {
  commandOf,
  NOW_MS,
  STATION,
  TestOperator,
  bytesOf,
  nonceOf,
} from '../../../support/remote/command-fixture.ts';
import { VirtualClock } from '../../../support/virtual-clock.ts';

const ACTOR = new TestOperator('actor');
const HANDLERS = Object.fromEntries(
  ['doctor', 'meter read', 'meter trace', 'journal stat', 'sync now', 'log level'].map((name) => [
    name,
    async () => ({ did: name }),
  ]),
) as unknown as Handlers;

function desk(
  handlers: Partial<Handlers> = {},
  journal: 'stores' | 'refuses' = 'stores',
  isDaySpent = false,
) {
  const clock = new VirtualClock();
  const gate = new CommandGate({
    ...{ station: STATION, operators: [ACTOR.as('act')], limits: { nonces: 2 } },
    randomBytes: (length) => new Uint8Array(length).fill(++made),
  });
  const answers: ResponsePart[] = [];
  const recorded: string[] = [];
  const challenges: string[] = [];
  const lines: string[] = [];
  const replies = new ReplyRoom(({ payload }) => {
    answers.push(JSON.parse(Buffer.from(payload).toString()) as ResponsePart);
    return true;
  });
  const own = new CommandDesk({
    ...{ gate, replies, clock, prefix: `delmonicos/v1/${STATION}` },
    handlers: { ...HANDLERS, ...handlers },
    evidence: {
      append: async (_kind, body) => {
        if (journal === 'refuses')
          throw new StationError('journal.disk_full', 'no room', { remedy: 'operator' });
        return recorded.push((body as { command: string }).command);
      },
    },
    wallClock: { nowWallMs: () => NOW_MS, status: () => 'S' },
    log: (_level, event) => lines.push(event),
    isDaySpent: () => isDaySpent,
    onChallenge: (challenge) => challenges.push(challenge),
  });
  let nonce = 0;
  const send = (command: string, parameters: object = {}): void =>
    own.receive({
      retained: false,
      payload: commandOf(ACTOR, {
        ...{ command, parameters, nonce: nonceOf(++nonce), challenge: bytesOf(gate.challenge) },
      }),
    });
  return { clock, desk: own, send, answers, recorded, challenges, gate, lines };
}
let made = 0;
/** Everything that does not wait for time has happened. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('the desk for commands', () => {
  it('carries out what acts only when that is on record, and answers what looks also on a full disk', async () => {
    const full = desk({}, 'refuses');
    full.send('sync now');
    full.send('doctor');
    await settled();
    const codes = full.answers.map((part) => (part.ok ? part.result : part.error.code));
    expect(codes.sort()).toEqual(['journal.disk_full', { did: 'doctor' }].sort());
    const well = desk();
    well.send('sync now');
    await settled();
    expect(well.recorded).toEqual(['sync now']);
    expect(well.answers).toMatchObject([{ part: 0, last: true, result: { did: 'sync now' } }]);
  });

  it('publishes another challenge when it has remembered as many nonces as it may', async () => {
    const { send, challenges, gate, answers } = desk();
    send('doctor');
    send('doctor');
    expect(challenges).toEqual([gate.challenge]);
    send('doctor');
    await settled();
    expect(answers.map(({ ok }) => ok)).toEqual([true, true, true]);
  });

  it('gives up what takes too long, and keeps its place until it is really over', async () => {
    let finish = (): void => {};
    const hanging = async (): Promise<object> => {
      await new Promise<void>((resolve) => (finish = resolve));
      return {};
    };
    const { clock, desk: stopped, send, answers } = desk({ 'meter read': hanging });
    for (let i = 0; i < 4; i++) send('meter read', { meter: 'm' });
    await settled();
    await clock.advance(60_000);
    await settled();
    expect(answers.map((part) => !part.ok && part.error.code)).toEqual(Array(4).fill('remote.unavailable'));
    send('doctor');
    await settled();
    expect(answers.at(-1)).toMatchObject({ error: { code: 'remote.busy' } });
    finish();
    await settled();
    send('doctor');
    await settled();
    expect(answers.at(-1)).toMatchObject({ ok: true });
    // The other three never end: the stop does not wait for them.
    await stopped.stop();
  });

  it('makes no large answers where a day has cost all that it may, and goes on making small ones', async () => {
    const { send, answers, recorded } = desk({}, 'stores', true);
    send('meter trace', { meter: 'm', forMs: 1_000 });
    send('journal receipt', { session: 's' });
    await settled();
    expect(answers.map((part) => !part.ok && part.error.code)).toEqual([
      'remote.too_many',
      'remote.too_many',
    ]);
    for (const command of ['doctor', 'journal stat']) send(command);
    await settled();
    expect(answers.slice(2)).toMatchObject([{ ok: true }, { ok: true }]);
    expect(recorded).toHaveLength(3); // the refusals alike, and two that were obeyed
  });

  it('answers a copied command that is refused again and again so often only, and goes on obeying', async () => {
    const { clock, desk: own, gate, send, answers } = desk();
    const copied = commandOf(ACTOR, { command: 'doctor', challenge: bytesOf('00'.repeat(16)) });
    for (let i = 0; i < 600; i++) {
      own.receive({ retained: false, payload: copied });
      await clock.advance(500);
    }
    const inFiveMinutes = answers.length;
    expect(answers[0]).toMatchObject({ error: { code: 'remote.stale', challenge: gate.challenge } });
    expect(inFiveMinutes).toBeLessThanOrEqual(25);
    send('doctor');
    await settled();
    expect(answers.slice(inFiveMinutes)).toMatchObject([{ ok: true, result: { did: 'doctor' } }]);
  });

  it('tells nobody but the log what nobody foresaw', async () => {
    const { send, answers, lines } = desk({
      doctor: () => Promise.reject(new TypeError('x is not a function')),
    });
    send('doctor');
    await settled();
    expect(answers).toMatchObject([{ ok: false, error: { code: 'internal' } }]);
    expect(JSON.stringify(answers)).not.toContain('function');
    expect(lines).toContain('remote.failed');
  });
});
