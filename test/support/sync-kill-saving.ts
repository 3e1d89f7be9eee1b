// A station killed while its gateway writes one of the light client's files: the draft is a pipe, so that the write is caught
// in the middle each time, and what a torn draft looks like is put in its place afterwards.
import { execFileSync, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { committed } from './running-world.ts';
import { anchored } from './light-client-story.ts';
import { ServiceProcess } from './product.ts';
import { strike, type Target } from './sync-kill-loop.ts';
import type { SyncWorld } from './sync-world.ts';

/** Written after a final anchor: what is kept of the relay chain and of the parachain. */
export const KEPT_FILES = ['relay', 'para'] as const;
const PATIENCE_MS = 180_000;

/** Returns how many bytes of the draft there were when it was killed. */
export async function killWhileSaving(
  { configPath, stateDirectory }: SyncWorld,
  file: (typeof KEPT_FILES)[number],
  target: Target,
): Promise<number> {
  const directory = path.join(stateDirectory, 'light-client');
  const draft = path.join(directory, `${file}.draft`);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await rm(draft, { force: true });
  execFileSync('mkfifo', ['-m', '600', draft]);
  const service = ServiceProcess.start(configPath, stateDirectory);
  try {
    const torn = await firstBytes(draft);
    await strike(service, target);
    await rm(draft);
    await writeFile(draft, torn.subarray(0, torn.length / 2), { mode: 0o600 });
    // A core that has lost its gateway only starts another one.
    if (target === 'gateway') {
      await committed(service, 1);
      await anchored(service, PATIENCE_MS);
    }
    return torn.length;
  } finally {
    await service.stop('SIGKILL');
  }
}

/** What the writer of a pipe writes first. */
async function firstBytes(pipe: string): Promise<Buffer> {
  const reader = spawn('cat', [pipe], { stdio: ['ignore', 'pipe', 'ignore'] });
  const late = setTimeout(() => reader.kill('SIGKILL'), PATIENCE_MS);
  try {
    for await (const bytes of reader.stdout) return bytes as Buffer;
    throw new Error(`nobody writes ${pipe}`);
  } finally {
    clearTimeout(late);
    reader.kill('SIGKILL');
  }
}
