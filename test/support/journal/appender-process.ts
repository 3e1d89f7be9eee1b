import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { decodeEntry, openJournalReader, type JournalEntry } from '../../../src/journal/index.ts';
import { appendedEntry } from './appended-entry.ts';

export interface AppenderTask {
  readonly directory: string;
  readonly groupEntries: number;
  /** Numbers of the entries: from..to-1, or without an end. */
  readonly from: number;
  readonly to?: number;
  /** The log's bound, at which readings give way; none unless given. Everything counts as anchored and exported. */
  readonly retainBytes?: number;
  /** A damaged log is recovered first. */
  readonly recover?: boolean;
  /** Instead of FULL, to see the tests find something. */
  readonly synchronous?: 'NORMAL' | 'OFF';
}

/** What a writer has promised. */
export interface Acknowledged {
  /** Index to number. */
  readonly entries: Map<number, number>;
  /** The newest tree that it signed. */
  readonly tree: { readonly size: number; readonly root: Uint8Array } | undefined;
}

export interface Appender {
  readonly child: ChildProcess;
  /** By now; complete lines only. */
  readonly acknowledged: () => Acknowledged;
  /** What it has said on stderr. */
  readonly complaints: () => string;
  readonly ended: Promise<{ readonly status: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface AppenderProgram {
  readonly start: (task: AppenderTask, env?: NodeJS.ProcessEnv) => Appender;
  readonly remove: () => void;
}

/** Builds the appender once; with TypeScript loaded at run time, starting it would take longer than what is tested. */
export async function buildAppender(): Promise<AppenderProgram> {
  const directory = mkdtempSync(path.join(tmpdir(), 'appender-'));
  const program = path.join(directory, 'appender.mjs');
  const addon = createRequire(import.meta.url).resolve('better-sqlite3');
  await build({
    entryPoints: [path.join(import.meta.dirname, 'journal-appender.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'error',
    external: [addon],
    alias: { 'better-sqlite3': addon },
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  let runs = 0;
  const start = (task: AppenderTask, env: NodeJS.ProcessEnv = {}): Appender =>
    startAppender(program, path.join(directory, `run-${runs++}`), task, env);
  return { start, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Its output goes to files beside the program: they can be read at any moment, also while it stands still. */
function startAppender(
  program: string,
  output: string,
  task: AppenderTask,
  env: NodeJS.ProcessEnv,
): Appender {
  const files = [openSync(`${output}.out`, 'a'), openSync(`${output}.err`, 'a')] as const;
  const child = spawn(process.execPath, [program, JSON.stringify(task)], {
    stdio: ['ignore', ...files],
    env: { ...process.env, ...env },
  });
  for (const file of files) closeSync(file);
  return {
    child,
    acknowledged: () => parseAcknowledged(readFileSync(`${output}.out`, 'utf8')),
    complaints: () => readFileSync(`${output}.err`, 'utf8'),
    ended: once(child, 'exit').then(([status, signal]) => ({
      status: status as number | null,
      signal: signal as NodeJS.Signals | null,
    })),
  };
}

function parseAcknowledged(text: string): Acknowledged {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const entries = lines.filter((line) => /^\d/.test(line)).map((line) => line.split(' ').map(Number));
  const [, size, root = ''] = lines.findLast((line) => line.startsWith('tree '))?.split(' ') ?? [];
  return {
    entries: new Map(entries as [number, number][]),
    tree: size === undefined ? undefined : { size: Number(size), root: Buffer.from(root, 'hex') },
  };
}

/**
 * Indices of acknowledged entries that the log does not hold as they were given, and has not let go either: of what
 * gave way, only readings may be. Reads the log; verifying it is the auditor's.
 */
export function lostEntries(directory: string, entries: ReadonlyMap<number, number>): number[] {
  if (entries.size === 0) return [];
  const reader = openJournalReader(directory);
  try {
    const { size } = reader;
    const gone = reader.holes();
    const isGone = (index: number): boolean => gone.some(({ from, to }) => index >= from && index < to);
    const isLost = (index: number, number: number): boolean => {
      if (index >= size) return true;
      if (isGone(index)) return appendedEntry(number).kind !== 'reading';
      return !isSame(decodeEntry(reader.entry(index).cose).entry, number);
    };
    return [...entries].filter(([index, number]) => isLost(index, number)).map(([index]) => index);
  } finally {
    reader.close();
  }
}

function isSame({ kind, body }: JournalEntry, number: number): boolean {
  const given = appendedEntry(number);
  if (kind === 'reading' && given.kind === kind) return body.readBeginMonoMs === given.body.readBeginMonoMs;
  return kind === 'fault' && given.kind === kind && body.facts?.[0]?.value === String(number);
}
