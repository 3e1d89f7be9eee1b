import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { FuzzResult } from './fuzz-run.ts';
import { fuzzInput, type FuzzTarget } from './fuzz-target.ts';

export interface FuzzTask {
  /** Module that exports TARGETS. */
  readonly targetsUrl: string;
  readonly runs: number;
  readonly seed: number;
}

/** An input that has not come back after this long never will. */
const HANG_MS = 20_000;
const LOOK_EVERY_MS = 1_000;
/** A parser that needs more than this for one input does not bound its memory. */
const MAX_HEAP_MIB = 384;

/** Runs one target in a process of its own, which may hang, crash or run out of memory: that is a result too. */
export async function fuzzInChild(target: FuzzTarget, task: FuzzTask, hangMs = HANG_MS): Promise<FuzzResult> {
  const { targetsUrl, runs, seed } = task;
  const directory = mkdtempSync(path.join(tmpdir(), 'fuzz-'));
  const positionFile = path.join(directory, 'position');
  const startedAt = performance.now();
  const child = fork(
    path.join(import.meta.dirname, 'child.ts'),
    [targetsUrl, target.name, String(runs), String(seed), positionFile],
    {
      execArgv: ['--import', 'tsx', `--max-old-space-size=${MAX_HEAP_MIB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  );
  try {
    const outcome = await outcomeOf(child, positionFile, hangMs);
    if (typeof outcome !== 'string') return outcome;
    const index = positionIn(positionFile);
    const inputHex = Buffer.from(fuzzInput(target, seed, index)).toString('hex');
    const seconds = (performance.now() - startedAt) / 1_000;
    const failure = { index, why: outcome, inputHex };
    return {
      target: target.name,
      runs: index,
      accepted: 0,
      seconds,
      slowestMs: 0,
      heapGrowthBytes: 0,
      failure,
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The result, or why there is none. */
async function outcomeOf(
  child: ChildProcess,
  positionFile: string,
  hangMs: number,
): Promise<FuzzResult | string> {
  const errors: string[] = [];
  child.stderr?.on('data', (piece: Buffer) => errors.push(piece.toString()));
  let result: FuzzResult | undefined;
  child.once('message', (message) => (result = message as FuzzResult));
  let last = -1;
  let since = performance.now();
  let hangs = false;
  const watch = setInterval(
    () => {
      const now = positionIn(positionFile);
      if (now !== last) [last, since] = [now, performance.now()];
      else if (performance.now() - since > hangMs) hangs = child.kill('SIGKILL');
    },
    Math.min(LOOK_EVERY_MS, hangMs / 2),
  );
  const [status, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearInterval(watch);
  if (result !== undefined) return result;
  return hangs
    ? `did not come back within ${hangMs} ms`
    : `the process ended with ${signal ?? status}: ${errors.join('').slice(0, 2_000)}`;
}

function positionIn(file: string): number {
  try {
    const bytes = readFileSync(file);
    return bytes.length === 4 ? bytes.readUInt32LE() : 0;
  } catch {
    // Not written yet: the child is still loading.
    return 0;
  }
}
