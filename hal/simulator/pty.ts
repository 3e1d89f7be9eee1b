import { spawn, type ChildProcess } from 'node:child_process';
import type { Duplex, Readable, Writable } from 'node:stream';
import { SimulatorError } from './errors.ts';

/** A pseudo terminal: `path` is the serial port that a program opens, the rest is the other end of the cable. */
export interface Pty {
  readonly path: string;
  write(bytes: Uint8Array): void;
  onBytes(listener: (bytes: Buffer) => void): void;
  /** Resolves when the terminal and the process that holds it are gone. */
  close(): Promise<void>;
}

/**
 * Inside of the terminal runs a shell that sets it raw (no echo, no line discipline), prints its name and then waits for
 * the end of file descriptor 3, a pipe from this process. So the terminal goes away when this process does, even by
 * SIGKILL; while it waits, the shell's standard error keeps the slave open, so that a client may close and reopen it.
 */
const HOLD = 'stty raw -echo && tty && exec cat <&3 >/dev/null';
const START_TIMEOUT_MS = 5_000;
const END_TIMEOUT_MS = 2_000;

/**
 * Opens a pseudo terminal with `script` of util-linux (part of every Debian), because Node has no call for it.
 * @throws SimulatorError `simulator.pty_unavailable` where `script` is missing or does not work; use TCP there.
 */
export async function openPty(command = 'script'): Promise<Pty> {
  // Detached: a Ctrl-C at the user's terminal must reach this process only, which then closes the line in order.
  const child = spawn(command, ['-q', '-f', '-c', HOLD, '/dev/null'], {
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    detached: true,
    env: { ...process.env, SHELL: '/bin/sh' },
  });
  const input = child.stdin as Writable | null;
  const output = child.stdout as Readable | null;
  const lifeline = child.stdio[3] as Duplex | null;
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  for (const stream of [input, lifeline]) stream?.on('error', () => {});
  const path = await readPath(child, output).catch(async (cause: unknown) => {
    kill(child);
    await exited;
    throw cause;
  });
  let closing = false;
  return {
    path,
    write: (bytes) => {
      if (!closing) input?.write(bytes);
    },
    onBytes: (listener) => {
      output?.on('data', listener);
    },
    close: async () => {
      closing = true;
      const force = setTimeout(() => kill(child), END_TIMEOUT_MS);
      lifeline?.destroy();
      await exited;
      clearTimeout(force);
      input?.destroy();
      output?.destroy();
    },
  };
}

/** The first line that comes out is the terminal's name; after it comes what clients write. */
function readPath(child: ChildProcess, output: Readable | null): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    let complaint = '';
    const fail = (why: string, cause?: unknown) => {
      clearTimeout(timer);
      reject(
        new SimulatorError('simulator.pty_unavailable', `cannot open a pseudo terminal: ${why}`, {
          cause,
          remedy: 'degrade',
          hint: 'Serve the meters over TCP instead, or install util-linux (Debian: bsdutils), which has `script`.',
        }),
      );
    };
    const timer = setTimeout(() => fail('no terminal name came'), START_TIMEOUT_MS);
    const onData = (bytes: Buffer) => {
      text += bytes.toString('latin1');
      const end = text.indexOf('\n');
      if (end < 0) return;
      clearTimeout(timer);
      output?.off('data', onData);
      const path = text.slice(0, end).trim();
      if (path.startsWith('/dev/')) resolve(path);
      else fail(`"${path}" is no terminal`);
    };
    output?.on('data', onData);
    child.stderr?.on('data', (bytes: Buffer) => (complaint += bytes.toString('utf8').slice(0, 500)));
    child.once('error', (cause) => fail(cause.message, cause));
    child.once('exit', (code) =>
      fail(`script ended with ${code}${complaint === '' ? '' : `: ${complaint}`}`),
    );
  });
}

/** The whole process group: script and what runs in its terminal, which is no child of ours. */
function kill(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return;
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch (error) {
    // The group is gone already: what was asked for.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
