import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AddonError, loadAddon } from '../../../src/addon/index.ts';
import { archOfElf } from '../../../src/addon/elf-header.ts';
import { whyUnloadable } from '../../../src/addon/why-unloadable.ts';

/** The first 20 bytes of an ELF file: magic, class, little-endian, version, machine. */
function header(bits: 32 | 64, machine: number): Uint8Array {
  const bytes = Buffer.alloc(20);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, bits / 32, 1, 1]);
  bytes.writeUInt16LE(machine, 18);
  return bytes;
}

const X64 = header(64, 62);
const ARM64 = header(64, 183);
const ARM = header(32, 40);

describe('an addon that does not load', () => {
  it.each([
    ['is missing', undefined, 'arm', new Error('no such file'), 'addon.missing', { expected: 'armv7' }],
    [
      'is for x64 on arm64',
      X64,
      'arm64',
      new Error('?'),
      'addon.wrong_arch',
      { expected: 'arm64', found: 'x64' },
    ],
    [
      'is for armv7 on x64',
      ARM,
      'x64',
      new Error('?'),
      'addon.wrong_arch',
      { expected: 'x64', found: 'armv7' },
    ],
    ['is for nothing', header(32, 8), 'x64', new Error('?'), 'addon.wrong_arch', { found: 'unknown' }],
    ['is empty', new Uint8Array(0), 'x64', new Error('?'), 'addon.wrong_arch', { found: 'unknown' }],
    [
      'is for another Node',
      ARM64,
      'arm64',
      new Error('compiled against a different Node.js version using\nNODE_MODULE_VERSION 127'),
      'addon.wrong_node',
      { expected: 'arm64' },
    ],
    [
      'asks for what only another V8 has',
      X64,
      'x64',
      new Error('undefined symbol: _ZN2v89Exception9TypeErrorENS_5LocalINS_6StringEEENS1_INS_5ValueEEE'),
      'addon.wrong_node',
      { expected: 'x64' },
    ],
    [
      'needs a newer C library',
      X64,
      'x64',
      new Error("/lib/libc.so.6: version `GLIBC_2.39' not found"),
      'addon.unloadable',
      { expected: 'x64' },
    ],
  ] as const)('says so when it %s', (_, bytes, arch, cause, code, details) => {
    const file = '/usr/lib/delmonicos/addons/a.node';
    const error = whyUnloadable({ file, header: bytes, arch, nodeVersion: 'v20.20.2', cause });
    expect(error).toBeInstanceOf(AddonError);
    expect(error).toMatchObject({ code, remedy: 'operator', details: { file, ...details } });
    expect(error.message).toContain(file);
    expect(error.hint).toBeDefined();
  });

  it('is told apart from a file on disk that is there', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'delmonicos-addon-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const code = (name: string): unknown => {
      try {
        return loadAddon(name, path.join(folder, name));
      } catch (error) {
        return (error as AddonError).code;
      }
    };
    expect(code('none.node')).toBe('addon.missing');
    const other = process.arch === 'arm64' ? X64 : ARM64;
    const own = { x64: X64, arm64: ARM64, arm: ARM }[process.arch as 'x64'];
    writeFileSync(path.join(folder, 'other.node'), other);
    expect(code('other.node')).toBe('addon.wrong_arch');
    writeFileSync(path.join(folder, 'cut.node'), own);
    expect(code('cut.node')).toBe('addon.unloadable');
  });

  it('takes no bytes for an addon that are none', () => {
    expect([X64, ARM64, ARM].map(archOfElf)).toEqual(['x64', 'arm64', 'arm']);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 19 }), (bytes) => {
        expect(archOfElf(bytes)).toBeUndefined();
      }),
    );
    fc.assert(
      fc.property(fc.nat(6), fc.nat(255), (at, byte) => {
        const damaged = Uint8Array.from(ARM64);
        // The version of the format is looked at by the loader.
        fc.pre(at !== 6 && damaged[at] !== byte);
        damaged[at] = byte;
        expect(archOfElf(damaged)).toBeUndefined();
      }),
    );
  });
});
