import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PRODUCT } from '../product.ts';

export interface ExportOutcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stderr: string;
}

/** `delmonicos journal export` as it ships. stdout goes where `stdout` says; nobody reads a pipe that nobody reads. */
export function startExport(
  args: readonly string[],
  stdout: 'pipe' | 'ignore' | number = 'ignore',
): { readonly child: ChildProcess; readonly ended: Promise<ExportOutcome> } {
  const child = spawn(process.execPath, [PRODUCT, 'journal', 'export', ...args], {
    stdio: ['ignore', stdout, 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, stdout === 'pipe' ? 'exit' : 'close').then(([status, signal]) => ({
    status: status as number | null,
    signal: signal as NodeJS.Signals | null,
    stderr,
  }));
  return { child, ended };
}
