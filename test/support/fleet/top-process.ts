import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { openPty } from '../../../hal/simulator/index.ts';
import { PRODUCT } from '../product.ts';
import { TerminalScreen } from './terminal-screen.ts';

/** `delmonicos top` on a terminal. */
export interface TopProcess {
  readonly screen: TerminalScreen;
  readonly child: ChildProcess;
  press(keys: string): void;
  resize(columns: number, rows: number): void;
  /** Resolves as soon as the screen is so; rejects when the program ends before. */
  until(isSo: (screen: TerminalScreen) => boolean): Promise<void>;
  /** Its exit status, or the signal that ended it, once the screen is as it was before. */
  endedAndLeft(): Promise<number | NodeJS.Signals>;
  /** What the terminal is set to, as `stty -g` says it. */
  mode(): string;
  /** That before the program was started. */
  readonly modeBefore: string;
  readonly stderr: () => string;
  close(): Promise<void>;
}

/** On a terminal of its own, of 80 columns and 24 rows. @throws SimulatorError where there is no `script` */
export async function startTop(
  args: readonly string[],
  nodeFlags: readonly string[] = [],
): Promise<TopProcess> {
  const pty = await openPty();
  const stty = (...words: string[]): string =>
    execFileSync('stty', ['-F', pty.path, ...words], { encoding: 'utf8' }).trim();
  stty('sane', 'cols', '80', 'rows', '24');
  const modeBefore = stty('-g');
  const screen = new TerminalScreen();
  const watchers = new Set<() => void>();
  let failure: unknown;
  pty.onBytes((bytes) => {
    try {
      screen.write(bytes.toString('utf8'));
    } catch (error) {
      failure ??= error;
    }
    for (const watcher of watchers) watcher();
  });
  const terminal = openSync(pty.path, 'r+');
  // In a session of its own: a stop signal to its group must not reach the test.
  const child = spawn(process.execPath, [...nodeFlags, PRODUCT, 'top', ...args], {
    stdio: [terminal, terminal, 'pipe'],
    detached: true,
    env: { ...process.env, TERM: 'xterm-256color', LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', NO_COLOR: '' },
  });
  closeSync(terminal);
  let stderr = '';
  child.stderr?.on('data', (bytes: Buffer) => (stderr += bytes.toString('utf8')));
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (status, signal) => resolve(status ?? signal ?? -1));
  });
  const seen = async (isSo: (screen: TerminalScreen) => boolean): Promise<void> =>
    await new Promise((resolve, reject) => {
      const look = (): void => {
        if (failure === undefined && !isSo(screen)) return;
        watchers.delete(look);
        if (failure === undefined) resolve();
        else reject(failure instanceof Error ? failure : new Error('the screen failed'));
      };
      watchers.add(look);
      look();
    });
  return {
    ...{ screen, child, modeBefore, stderr: () => stderr },
    mode: () => stty('-g'),
    press: (keys) => pty.write(Buffer.from(keys)),
    resize: (columns, rows) => {
      stty('cols', String(columns), 'rows', String(rows));
      // The terminal is not the controlling one of the program's session: the kernel tells nobody.
      child.kill('SIGWINCH');
    },
    until: async (isSo) => {
      const early = ended.then((status) => {
        throw new Error(`ended with ${status}: ${stderr}\n${screen.text()}`);
      });
      await Promise.race([seen(isSo), early]);
    },
    endedAndLeft: async () => {
      // What was written last may still be on its way when the process is gone.
      await seen(({ isAlternate }) => !isAlternate);
      return await ended;
    },
    close: async () => {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      await ended;
      await pty.close();
    },
  };
}
