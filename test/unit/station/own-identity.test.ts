import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../../src/config/index.ts';
import { ownIdentity } from '../../../src/station/keys/own-identity.ts';

let stateDirectory: string;
beforeEach(() => {
  stateDirectory = mkdtempSync(path.join(tmpdir(), 'own-'));
});
afterEach(() => rmSync(stateDirectory, { recursive: true, force: true }));

/** What is configured unless somebody insists on a place. */
const config = { identity: { seed: 'auto' } } as StationConfig;
const options = (more: { readonly mayMakeSeed?: boolean } = {}) => ({
  stateDirectory,
  log: silentLog,
  ...more,
});

describe('the keys of a station that has no seed', () => {
  it('are made at the very first start', async () => {
    const { publicKey } = await ownIdentity(options(), config);
    expect((await ownIdentity(options(), config)).publicKey).toEqual(publicKey);
  });

  it('are not made where provisioning does that: a sealed seed that is not handed over is not replaced', async () => {
    await expect(ownIdentity(options({ mayMakeSeed: false }), config)).rejects.toMatchObject({
      code: 'identity.seed_missing',
    });
    expect(readdirSync(stateDirectory)).toEqual([]);
  });
});
