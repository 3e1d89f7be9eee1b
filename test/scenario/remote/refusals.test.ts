// Commands that are not obeyed: refused, told to whoever is known, and on record.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyJournal } from '../../../src/journal/index.ts';
import type { ResponsePart } from '../../../src/remote/index.ts';
import { codeOf, resultOf, type Asker } from '../../support/remote/asker.ts';
import { commandedStation, READER, type CommandedStation } from '../../support/remote/commanded-station.ts';
import { TestOperator } from '../../support/remote/command-fixture.ts';

const STRANGER = new TestOperator('stranger.example.com/somebody');

let world: CommandedStation;
let reader: Asker;
const ownStation = (): void => {
  beforeAll(async () => {
    world = await commandedStation();
    reader = await world.askerAs(READER);
  });
  afterAll(async () => {
    await world.stop();
  });
};

/** Refusals on record, by code: whose, and how many. */
async function onRecord(): Promise<Record<string, { operator: string | undefined; count: number }>> {
  await world.station.flush();
  const found: Record<string, { operator: string | undefined; count: number }> = {};
  for (const entry of world.entries()) {
    if (entry.kind !== 'command' || entry.body.outcome !== 'refused') continue;
    const { code = '', operator, count = 1 } = entry.body;
    found[code] = { operator, count: (found[code]?.count ?? 0) + count };
  }
  return found;
}

describe('a station that refuses', () => {
  ownStation();

  it('obeys none of these, answers whom it knows, and has all of them on record', async () => {
    const { asker } = world;
    // Forged: signed by nobody's key, and altered underway. Neither is answered.
    await asker.publish(await asker.signed('doctor', {}, { operator: STRANGER }));
    const altered = await asker.signed('doctor');
    altered[altered.length - 1]! ^= 1;
    await asker.publish(altered);
    await asker.publish(new Uint8Array([1, 2, 3]));

    const nonce = new Uint8Array(16).fill(9);
    const once = await asker.signed('journal stat', {}, { nonce });
    const request = Buffer.from(nonce).toString('hex');
    await asker.publish(once);
    resultOf(await asker.answerTo(request));
    await asker.publish(once);
    const replayed = await asker.answerTo(request, (part) => !part.ok);
    expect(codeOf(replayed)).toBe('remote.replayed');

    const expired = await asker.ask('doctor', {}, { notAfterMs: Date.now() - 60_000 });
    expect(expired.parts).toMatchObject([{ ok: false, error: { code: 'remote.expired' } }]);
    expect(expired.parts[0]).toHaveProperty('error.stationTimeMs');
    const stale = await asker.ask('doctor', {}, { challenge: new Uint8Array(16) });
    expect(codeOf(stale)).toBe('remote.stale');
    expect(codeOf(await reader.ask('sync now'))).toBe('remote.not_allowed');
    expect(codeOf(await reader.ask('meter trace', { meter: 'evse1', forMs: 0 }))).toBe(
      'remote.bad_parameters',
    );

    const mine = { operator: 'desk.example.com/actor', count: 1 };
    const reads = { operator: 'desk.example.com/reader', count: 1 };
    const nobody = { operator: undefined, count: 1 };
    expect(await onRecord()).toEqual({
      ...{ 'remote.unknown_key': nobody, 'remote.bad_signature': nobody, 'remote.malformed': nobody },
      ...{ 'remote.replayed': mine, 'remote.expired': mine, 'remote.stale': mine },
      ...{ 'remote.not_allowed': reads, 'remote.bad_parameters': reads },
    });
    expect(await verifyJournal(world.stateDirectory)).toMatchObject({ ok: true });
    const line = await asker.heard<{ fields: object }>('log', ({ fields }) =>
      JSON.stringify(fields).includes('remote.bad_signature'),
    );
    expect(line).toMatchObject({ level: 'warning', event: 'remote.refused' });
  });
});

describe('a station that is at work', () => {
  ownStation();

  it('refuses what is too much at once, and gives up what is under way when it stops', async () => {
    const { asker } = world;
    const trace = { meter: 'evse1', forMs: 60_000 };
    const nonces = [1, 2].map((n) => new Uint8Array(16).fill(n));
    const [first = '', second = ''] = nonces.map((nonce) => Buffer.from(nonce).toString('hex'));
    for (const nonce of nonces) await asker.publish(await asker.signed('meter trace', trace, { nonce }));
    const begun = (part: ResponsePart): boolean => part.ok;
    await Promise.all([asker.answerTo(first, begun), asker.answerTo(second, begun)]);
    expect(codeOf(await asker.ask('meter trace', trace))).toBe('remote.busy');
    expect(await onRecord()).toEqual({ 'remote.busy': { operator: 'desk.example.com/actor', count: 1 } });

    const stopping = world.station.stop();
    expect(codeOf(await asker.answerTo(first))).toBe('remote.unavailable');
    expect(codeOf(await asker.answerTo(second))).toBe('remote.unavailable');
    await stopping;
    expect(await verifyJournal(world.stateDirectory)).toMatchObject({ ok: true });
  });
});
