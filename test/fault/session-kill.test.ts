// The service is killed at any moment around a begin and an end; the charging software asks again until it has its answer.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulatedStation } from '../../hal/simulator/index.ts';
import { verifyOcmf } from '../../src/ocmf/index.ts';
import { askControlSocket } from '../../src/service/index.ts';
import type { SessionView } from '../../src/session/index.ts';
import { productJson, type ServiceProcess } from '../support/product.ts';
import { exportedEntries, serviceForTest, verifiedJournal } from '../support/running-world.ts';

/** When the kill comes after the request is sent: before it arrives, while the meter is read, about the commit, after it. */
const KILLED_AFTER_MS = [0, 5, 15, 40];

describe('a session around which the service is killed', () => {
  it('is recorded once, whenever the kill comes, and nothing that was answered is lost', async () => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'delmonicos-session-kill-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const station = await startSimulatedStation({
      seed: 2,
      lines: [{ id: 'lan', kind: 'tcp' }],
      meters: [
        { id: 'm', model: 'eastron-sdm630', serial: '41200009', unitId: 1, on: 'lan', measures: 'grid' },
      ],
    });
    onTestFinished(() => station.stop());
    const [line] = station.lines;
    if (line === undefined || line.kind === 'pty') throw new Error('the line is TCP');
    const socket = path.join(directory, 'control.sock');
    const place = {
      configPath: path.join(directory, 'station.yaml'),
      stateDirectory: path.join(directory, 'state'),
    };
    writeFileSync(
      place.configPath,
      `station: { name: T-1 }
lines: [{ id: lan, tcp: "${line.host}:${line.port}" }]
meters: [{ id: evse1, line: lan, unitId: 1, profile: eastron-sdm630, serial: '41200009', every: 1s }]
control: { socket: ${socket} }
`,
    );

    let service: ServiceProcess | undefined;
    /** Asks until there is an answer; the first time, the service dies meanwhile. */
    const asked = async (request: object, killAfterMs: number): Promise<SessionView> => {
      for (let attempt = 0; ; attempt++) {
        if (service === undefined || service.ended) {
          service = serviceForTest(place);
          await service.event(({ event }) => event === 'meter');
        }
        const answer = askControlSocket(socket, request).catch((error: unknown) => {
          expect(error).toMatchObject({ code: expect.stringMatching(/^control\./) as string });
          return undefined;
        });
        const killed = service;
        const died =
          attempt > 0
            ? undefined
            : new Promise((resolve) => setTimeout(resolve, killAfterMs)).then(() => killed.stop('SIGKILL'));
        const told = await answer;
        await died;
        if (told === undefined) continue;
        expect(told).toMatchObject({ ok: true });
        return told['session'] as SessionView;
      }
    };

    const answered: SessionView[] = [];
    for (const [number, killAfterMs] of KILLED_AFTER_MS.entries()) {
      const sessionId = `s-${number}`;
      const begin = { session: 'begin', sessionId, evseId: 'E1', meterId: 'evse1' };
      const begun = await asked(begin, killAfterMs);
      const ended = await asked({ session: 'end', sessionId }, KILLED_AFTER_MS.at(-1 - number) ?? 0);
      expect(ended.begin).toEqual(begun.begin);
      answered.push(ended);
    }
    await service!.stop('SIGTERM');

    const entries = (await exportedEntries(place.stateDirectory)).filter(({ kind }) =>
      kind.startsWith('session-'),
    );
    expect(entries.map(({ index, kind, body }) => [index, kind, body['sessionId']])).toEqual(
      answered.flatMap(({ sessionId, begin, end }) => [
        [begin.index, 'session-begin', sessionId],
        [end?.index, 'session-end', sessionId],
      ]),
    );
    expect(await verifiedJournal(place.stateDirectory)).toMatchObject({ ok: true });
    const { ocmf } = await productJson<{ ocmf: { publicKey: string } }>([
      'key',
      'show',
      place.stateDirectory,
    ]);
    const records = answered.flatMap(({ begin, end }) => [begin.ocmf, end?.ocmf]).join('\n');
    expect(verifyOcmf(records, { publicKey: ocmf.publicKey })).toMatchObject({ ok: true });
  }, 90_000);
});
