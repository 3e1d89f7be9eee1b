import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openJournalReader } from '../../../src/journal/index.ts';
import { productJson, runProduct, ServiceProcess } from '../../support/product.ts';
import { missingTpmTools, SoftwareTpm } from '../../support/keys/swtpm.ts';
import { formsOf } from '../../support/tool-log.ts';

let root: string;
let state: string;
let config: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'station-keys-'));
  state = path.join(root, 'state');
  config = path.join(root, 'station.yaml');
  configure('');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const configure = (more: string) =>
  writeFileSync(config, `station: { name: T-1 }\nlines: []\nmeters: []\n${more}`);

/** One run of the service; what it said at its start, and everything it wrote. */
async function runOnce(): Promise<{ started: Record<string, unknown>; said: string }> {
  const service = ServiceProcess.start(config, state, ['--log-level', 'debug']);
  const started = await service.event(({ event }) => event === 'started');
  await service.stop();
  return {
    started,
    said: [...service.log, ...service.events.map((event) => JSON.stringify(event))].join('\n'),
  };
}

describe('the service', () => {
  it('goes on with the log under its name after a rotation, and says nothing of the seed', async () => {
    const first = await runOnce();
    const seed = readFileSync(path.join(state, 'root.seed'));
    expect(first.started).toMatchObject({
      origin: expect.stringMatching(/^delmonicos\/5/) as string,
      bootCount: 1,
    });
    const rotated = await productJson<{ publicKey: string; origin: string }>(['key', 'rotate', state]);
    const second = await runOnce();
    expect(second.started).toMatchObject({ origin: first.started['origin'], publicKey: rotated.publicKey });
    expect(second.started['publicKey']).not.toBe(first.started['publicKey']);
    expect(await productJson(['journal', 'verify', state])).toMatchObject({ ok: true });
    const reader = openJournalReader(state);
    expect(reader.keys.keys).toHaveLength(2);
    reader.close();
    const later = readFileSync(path.join(state, 'root.seed'));
    for (const form of [...formsOf(seed), ...formsOf(later)]) {
      expect((first.said + second.said).includes(form)).toBe(false);
    }
  });

  it('does not begin another identity by itself when its seed is gone, and goes on when told that it is lost', async () => {
    const { started } = await runOnce();
    rmSync(path.join(state, 'root.seed'));
    const refused = await runProduct(['run', '--config', config, '--state', state]);
    expect(refused).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('identity.seed_missing') as string,
    });
    expect(await runProduct(['key', 'init', state, '--after-loss'])).toMatchObject({ status: 0 });
    const again = await runOnce();
    expect(again.started['origin']).not.toBe(started['origin']);
    expect(await productJson(['journal', 'verify', state])).toMatchObject({ ok: true });
    expect(await productJson(['journal', 'verify', path.join(state, 'without-key-1')])).toMatchObject({
      ok: true,
    });
  });

  const noTpm = missingTpmTools();
  it.skipIf(noTpm !== undefined)(
    `seals its seed in the TPM that the configuration names${noTpm ? ` (skipped: ${noTpm})` : ''}`,
    async () => {
      const tpm = await new SoftwareTpm(path.join(root, 'tpm')).start();
      try {
        configure(`identity: { seed: tpm, tpm: { tcti: "${tpm.tcti}", pcrs: "sha256:7" } }\n`);
        const first = await runOnce();
        expect(JSON.parse(readFileSync(path.join(state, 'root.seed'), 'utf8'))).toMatchObject({
          kind: 'tpm',
          pcrs: 'sha256:7',
        });
        expect((await runOnce()).started).toMatchObject({ publicKey: first.started['publicKey'] });
        // The journal's counter is in the same TPM: a rotation beside it must not look like an old copy put back.
        const rotated = await productJson(['key', 'rotate', state, '--config', config]);
        const { started } = await runOnce();
        expect(started).toMatchObject({ origin: first.started['origin'] });
        expect(rotated).toMatchObject({ publicKey: started['publicKey'] });
        process.env['TPM2TOOLS_TCTI'] = tpm.tcti;
        const again = await productJson(['key', 'rotate', state]);
        const last = await runOnce();
        expect(again).toMatchObject({
          publicKey: last.started['publicKey'],
          origin: first.started['origin'],
        });
        const faults = await runProduct(['journal', 'export', state, '--format', 'jsonl']);
        expect(faults.stdout).not.toContain('"kind":"fault"');
      } finally {
        delete process.env['TPM2TOOLS_TCTI'];
        await tpm.stop();
      }
      const without = await runProduct(['run', '--config', config, '--state', state]);
      expect(without).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('identity.tpm_missing') as string,
      });
    },
  );
});
