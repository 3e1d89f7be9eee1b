// Watches what is given to tools: stands in front of them in PATH, writes down arguments, environment and the files that lie
// in the temporary directory, and runs the real tool.
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export class ToolLog {
  readonly #file: string;
  readonly #before: { readonly PATH: string | undefined; readonly TMPDIR: string | undefined };

  /** Until `stop`, the tools named here are watched in this process's children. */
  constructor(directory: string, tools: readonly string[]) {
    const [bin, temporary] = [path.join(directory, 'bin'), path.join(directory, 'tmp')];
    this.#file = path.join(directory, 'tools.log');
    this.#before = { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'] };
    for (const made of [bin, temporary]) mkdirSync(made, { recursive: true });
    for (const tool of tools) {
      const shim = path.join(bin, tool);
      writeFileSync(
        shim,
        `#!/bin/sh
{ printf '\\nCALL %s\\n' "${tool}"; printf 'ARG %s\\n' "$@"; cat /proc/self/environ; find "${temporary}" -type f -exec cat {} +; } >> "${this.#file}"
PATH="${this.#before.PATH ?? ''}" exec ${tool} "$@"
`,
      );
      chmodSync(shim, 0o755);
    }
    process.env['PATH'] = `${bin}:${this.#before.PATH ?? ''}`;
    process.env['TMPDIR'] = temporary;
  }

  get calls(): string[] {
    return [...this.text.matchAll(/^CALL (.*)$/gm)].map(([, tool]) => tool ?? '');
  }

  get text(): string {
    return existsSync(this.#file) ? readFileSync(this.#file, 'latin1') : '';
  }

  stop(): void {
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

/** The forms in which somebody might let 32 bytes slip. */
export function formsOf(secret: Uint8Array): string[] {
  const bytes = Buffer.from(secret);
  return [
    bytes.toString('latin1'),
    bytes.toString('hex'),
    bytes.toString('base64'),
    bytes.toString('base64url'),
  ];
}
