// The charging software of a station, the real service, a simulated meter: a session that outlives a kill -9.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Verifier } from '@road-labs/ocmf';
import { Crypto } from '@road-labs/ocmf-crypto-noble';
import { compareDecimal, formatDecimal, parseDecimal, subtractDecimal } from '../../../hal/contract/index.ts';
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askControlSocket } from '../../../src/service/index.ts';
import type { SessionView } from '../../../src/session/index.ts';
import { productJson, runProduct } from '../../support/product.ts';
import { committed, exportedEntries, serviceForTest, verifiedJournal } from '../../support/running-world.ts';

async function place() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-session-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const station = await startSimulatedStation({
    seed: 2,
    lines: [{ id: 'lan', kind: 'tcp' }],
    meters: [
      {
        id: 'm',
        model: 'eastron-sdm630',
        serial: '41200009',
        unitId: 1,
        on: 'lan',
        startWh: 5_000,
        measures: 'grid',
      },
    ],
  });
  onTestFinished(() => station.stop());
  const [line] = station.lines;
  if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
  const configPath = path.join(directory, 'station.yaml');
  const socket = path.join(directory, 'control.sock');
  writeFileSync(
    configPath,
    `station: { name: T-1 }
lines:
  - { id: lan, tcp: "${line.host}:${line.port}" }
meters:
  - { id: evse1, line: lan, unitId: 1, profile: eastron-sdm630, every: 1s }
journal: { groupCommit: 500ms }
control: { socket: ${socket} }
`,
  );
  return { directory, station, configPath, stateDirectory: path.join(directory, 'state'), socket };
}

/** Resolves when the meter shows more than that. */
async function energyFlows(station: SimulatedStation, aboveWh: string): Promise<void> {
  const shown = (): string => formatDecimal(station.snapshot()[0]!.energyImport!.value);
  await expect
    .poll(() => compareDecimal(parseDecimal(shown()), parseDecimal(aboveWh)), { timeout: 25_000 })
    .toBeGreaterThan(0);
}

const BEGIN = { session: 'begin', sessionId: 's-1', evseId: 'DE*ACM*E1', meterId: 'evse1' };
const view = (answer: Record<string, unknown>): SessionView => {
  expect(answer).toMatchObject({ ok: true });
  return answer['session'] as SessionView;
};

describe('a session of the running service', () => {
  it('begins, outlives a kill -9 and ends; its records verify, here and for others', async () => {
    const world = await place();
    const { socket } = world;
    const first = serviceForTest(world);
    await committed(first, 4);
    const idToken = { type: 'ISO14443', data: '04A2B3C4' };
    const begun = view(await askControlSocket(socket, { ...BEGIN, idToken }));
    expect(begun).toMatchObject({ state: 'open', begin: { quality: 'G', meterSerial: '41200009' } });
    expect(view(await askControlSocket(socket, { ...BEGIN, idToken }))).toEqual(begun);
    await first.stop('SIGKILL');
    expect(existsSync(socket)).toBe(true);

    const second = serviceForTest(world);
    await committed(second, begun.begin.index + 4);
    const [open] = await productJson<SessionView[]>(['session', 'list', '--socket', socket]);
    expect(open).toEqual(begun);
    const busy = await runProduct([
      'session',
      'begin',
      's-2',
      '--socket',
      socket,
      '--evse',
      'DE*ACM*E1',
      '--meter',
      'evse1',
    ]);
    expect(busy).toMatchObject({ status: 1, stderr: expect.stringContaining('session.evse_busy') as string });
    await energyFlows(world.station, String(begun.begin.totalWh));
    const ended = await productJson<SessionView>([
      'session',
      'end',
      's-1',
      '--socket',
      socket,
      '--reason',
      'remote',
    ]);
    expect(ended).toMatchObject({ state: 'ended', begin: begun.begin, end: { quality: 'G' } });
    expect(await productJson<SessionView>(['session', 'end', 's-1', '--socket', socket])).toEqual(ended);
    expect(await askControlSocket(socket, { session: 'end', sessionId: 's-9' })).toMatchObject({
      ok: false,
      error: { code: 'session.unknown' },
    });
    expect((await second.stop('SIGTERM')).code).toBe(0);
    expect(existsSync(socket)).toBe(false);

    const entries = await exportedEntries(world.stateDirectory);
    const sessions = entries.filter(({ kind }) => kind.startsWith('session-'));
    expect(sessions.map(({ kind, index }) => [kind, index])).toEqual([
      ['session-begin', begun.begin.index],
      ['session-end', ended.end?.index],
    ]);
    expect(await verifiedJournal(world.stateDirectory)).toMatchObject({ ok: true });

    const file = path.join(world.directory, 'session.ocmf');
    writeFileSync(file, `${ended.begin.ocmf}\n${ended.end?.ocmf}\n`);
    const keys = await productJson<{ ocmf: { publicKey: string } }>(['key', 'show', world.stateDirectory]);
    const { publicKey } = keys.ocmf;
    const verified = await productJson<object>(['ocmf', 'verify', file, '--key', publicKey]);
    expect(verified).toMatchObject({ ok: true });
    const crypto = new Crypto();
    const key = await crypto.decodeEcPublicKey(Buffer.from(publicKey, 'hex'), 'spki-der');
    for (const record of [ended.begin.ocmf, ended.end?.ocmf]) {
      expect((await new Verifier(crypto).parseAndVerify(record!, key)).verified).toBe(true);
    }

    // What the driver gets holds both, and the energy.
    const receipt = path.join(world.directory, 'session.receipt.json');
    const made = await runProduct([
      'receipt',
      'create',
      world.stateDirectory,
      '--session',
      's-1',
      '-o',
      receipt,
    ]);
    expect(made).toMatchObject({ status: 0 });
    const { checks } = await productJson<{ checks: { name: string; result: string; detail: string }[] }>([
      ...['receipt', 'verify', receipt],
    ]);
    expect(checks.filter(({ result }) => result === 'fail')).toEqual([]);
    expect(checks.find(({ name }) => name === 'session')).toMatchObject({ result: 'pass' });

    // Energy flowed, and it is the difference of what the entries say, exact.
    const [from, to] = [ended.begin.totalWh, ended.end?.totalWh].map((text) => parseDecimal(text ?? ''));
    expect(ended.energyWh).toBe(formatDecimal(subtractDecimal(to!, from!)));
    expect(Number(ended.energyWh)).toBeGreaterThan(0);
  });
});
