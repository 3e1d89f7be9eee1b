// The process behind the dev network: how it begins, and that nothing of it is left.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { access } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { startDevnet } from '../devnet/index.ts';

describe("the dev network's process", { timeout: 60_000 }, () => {
  it('ends with the process that started it, however that ends', async () => {
    const parent = fork(fileURLToPath(new URL('../support/sync/devnet-parent.ts', import.meta.url)), [], {
      execArgv: ['--import', 'tsx'],
    });
    const [processId] = (await once(parent, 'message')) as [number];
    expect(isAlive(processId)).toBe(true);
    parent.kill('SIGKILL');
    await once(parent, 'exit');
    await expect.poll(() => isAlive(processId), { timeout: 10_000 }).toBe(false);
  });

  it('makes blocks by itself, says so when it is asked after its end, and leaves no files', async () => {
    const short = await startDevnet({ heartbeatMs: 50 });
    const { parachain } = await short.status();
    const finalized = async () => (await short.status()).parachain.finalized;
    await expect.poll(finalized, { timeout: 10_000 }).toBeGreaterThan(parachain.best);
    await access(short.paraSpecPath);
    await short.stop();
    await short.stop();
    await expect(short.status()).rejects.toMatchObject({ code: 'devnet.not_running' });
    await expect(access(short.paraSpecPath)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('refuses a port that is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(startDevnet({ rpc: { port } })).rejects.toMatchObject({ code: 'devnet.bad_input' });
    taken.close();
  });

  it('refuses an endowment that is not an account', async () => {
    const endow = [{ publicKey: new Uint8Array(31), balance: 1n }];
    await expect(startDevnet({ endow })).rejects.toMatchObject({ code: 'devnet.bad_input' });
  });
});

function isAlive(processId: number): boolean {
  try {
    process.kill(processId, 0);
    return true;
  } catch {
    return false;
  }
}
