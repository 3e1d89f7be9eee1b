import { spawn } from 'node:child_process';
import { IdentityError } from './errors.ts';

export interface ToolCommand {
  readonly command: string;
  /** Never a secret: everybody on the machine can read a process's arguments. */
  readonly args: readonly string[];
  /** Given on standard input, a pipe. */
  readonly input?: Uint8Array;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The Debian package that brings the command, for the hint. */
  readonly debianPackage: string;
  readonly timeoutMs?: number;
}

/** The tool ran and said no. Its output on stderr is what there is to decide on; a secret is never in it. */
export class ToolFailure extends Error {
  override name = 'ToolFailure';
  readonly command: string;
  readonly status: number | null;
  readonly stderr: string;
  constructor(command: string, status: number | null, stderr: string) {
    super(`${command} ended with ${status ?? 'a signal'}`);
    this.command = command;
    this.status = status;
    this.stderr = stderr;
  }
}

/** A TPM may take seconds for a key; one that takes longer hangs. */
const TIMEOUT_MS = 30_000;
const MAX_STDOUT_BYTES = 64 * 1024;
const MAX_STDERR_BYTES = 4 * 1024;

/**
 * Runs a tool to its end, without a shell.
 * @returns what it wrote on standard output, which is the caller's to wipe
 * @throws ToolFailure; IdentityError `identity.tool_missing`, `identity.tool_timeout`, `identity.tool_failed`
 */
export function runTool(tool: ToolCommand): Promise<Uint8Array> {
  const { command, args, input, env, timeoutMs = TIMEOUT_MS } = tool;
  return new Promise((resolve, reject) => {
    // Messages of tools are compared: they must not come in the operator's language.
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env, LC_ALL: 'C' },
    });
    const stdout = collect(MAX_STDOUT_BYTES);
    const stderr = collect(MAX_STDERR_BYTES);
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout.on('data', stdout.add);
    child.stderr.on('data', stderr.add);
    child.stdin.on('error', () => {}); // it ended without reading; its exit status says why
    child.on('error', (error: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(error.code === 'ENOENT' ? missing(tool) : failed(command, error));
    });
    child.on('close', (status) => {
      clearTimeout(timer);
      const output = stdout.take();
      if (status === 0) return resolve(output);
      output.fill(0);
      const said = Buffer.from(stderr.take()).toString('utf8');
      reject(late ? timedOut(command, timeoutMs) : new ToolFailure(command, status, said));
    });
    child.stdin.end(input);
  });
}

/** Puts chunks together and leaves no copy behind. */
function collect(maxBytes: number): { add: (chunk: Buffer) => void; take: () => Uint8Array } {
  const chunks: Buffer[] = [];
  let length = 0;
  return {
    add(chunk) {
      if (length >= maxBytes) return;
      chunks.push(chunk);
      length += chunk.length;
    },
    take() {
      const whole = new Uint8Array(Buffer.concat(chunks));
      for (const chunk of chunks) chunk.fill(0);
      return whole;
    },
  };
}

function missing({ command, debianPackage }: ToolCommand): IdentityError {
  return new IdentityError('identity.tool_missing', `there is no ${command} on this machine`, {
    hint: `install it: apt install ${debianPackage}`,
  });
}

function timedOut(command: string, timeoutMs: number): IdentityError {
  return new IdentityError(
    'identity.tool_timeout',
    `${command} did not end within ${timeoutMs} ms and was killed`,
    {
      remedy: 'retry',
      effect: 'unknown',
      hint: 'the TPM or the token does not answer; try again, or look at its own log',
    },
  );
}

export function failed(command: string, cause: unknown): IdentityError {
  const said = cause instanceof ToolFailure ? firstLines(cause.stderr) : String(cause);
  return new IdentityError('identity.tool_failed', `${command} failed: ${said}`, { cause });
}

/** The first lines name the cause; what follows is how far it got. */
function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 4).join('; ').slice(0, 400);
}
