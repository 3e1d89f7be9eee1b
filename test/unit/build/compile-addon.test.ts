import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { MissingToolError } from '../../../build/build-error.js';
import { compileAddon } from '../../../build/compile-addon.js';
import { TARGETS } from '../../../build/targets.js';

const RECIPE = { file: 'x.node', makefile: 'build/unix-datagram', sources: [], variables: {} };

/** A PATH on which only these tools are. */
function only(...tools: string[]): void {
  const folder = mkdtempSync(path.join(tmpdir(), 'delmonicos-path-'));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  for (const tool of tools) {
    writeFileSync(path.join(folder, tool), '#!/bin/sh\n');
    chmodSync(path.join(folder, tool), 0o755);
  }
  vi.stubEnv('PATH', folder);
}

const failure = (arch: 'arm64' | 'armv7'): unknown => {
  try {
    return compileAddon(RECIPE, TARGETS[arch]);
  } catch (error) {
    return error;
  }
};

describe('a cross-build without its compiler', () => {
  it.each([
    ['arm64', 'g++-aarch64-linux-gnu'],
    ['armv7', 'g++-arm-linux-gnueabihf'],
  ] as const)('names the Debian package for %s', (arch, debianPackage) => {
    if (process.arch === TARGETS[arch].nodeArch) return;
    only('make');
    const error = failure(arch);
    expect(error).toBeInstanceOf(MissingToolError);
    expect(String(error)).toContain(`apt-get install ${debianPackage}`);
  });

  it('names make where that is missing', () => {
    only();
    expect(String(failure('arm64'))).toContain('apt-get install make');
  });
});
