import { readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BuildError } from '../../../build/build-error.js';
import { compareVersions, newestVersions, readElf } from '../../../build/elf.js';
import { TARGETS } from '../../../build/targets.js';

const ROOT = path.resolve(import.meta.dirname, '../../..');
const SERIALPORT = path.join(ROOT, 'node_modules/@serialport/bindings-cpp');

const prebuilt = (arch: 'x64' | 'arm64' | 'armv7'): Buffer =>
  readFileSync(path.join(SERIALPORT, TARGETS[arch].serialport));

describe('what an ELF file says of itself', () => {
  it('tells the machine, the libraries and the symbol versions of real addons of every target', () => {
    for (const target of Object.values(TARGETS)) {
      const facts = readElf(prebuilt(target.arch), target.arch);
      expect(facts).toMatchObject({ bits: target.elf.bits, machine: target.elf.machine, hardFloat: true });
      // As `readelf -d` and `readelf -V` show them.
      expect(facts.libraries).toContain('libstdc++.so.6');
      expect(newestVersions(facts.symbolVersions)).toMatchObject({ GLIBC: '2.28', GLIBCXX: '3.4.21' });
    }
  });

  it('tells 32-bit ARM with soft floating point from the kind that Node is built for', () => {
    const soft = Buffer.from(prebuilt('armv7'));
    soft.writeUInt32LE(soft.readUInt32LE(36) & ~0x400, 36);
    expect(readElf(soft, 'soft').hardFloat).toBe(false);
  });

  it('refuses what is no ELF file, or ends anywhere before its end', () => {
    const whole = prebuilt('armv7');
    expect(() => readElf(Buffer.from('#!/bin/sh\n'.repeat(10)), 'script')).toThrow(BuildError);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), (length) => {
        expect(() => readElf(whole.subarray(0, length), 'cut')).toThrow(BuildError);
      }),
    );
  });

  it('answers or refuses a damaged file, and never fails otherwise', () => {
    const whole = prebuilt('arm64');
    const headers = whole.length - 4_096;
    const place = fc.oneof(fc.nat(63), fc.integer({ min: headers, max: whole.length - 1 }));
    fc.assert(
      fc.property(fc.array(fc.tuple(place, fc.nat(255)), { minLength: 1, maxLength: 4 }), (damage) => {
        const damaged = Buffer.from(whole);
        for (const [at, byte] of damage) damaged[at] = byte;
        try {
          expect([32, 64]).toContain(readElf(damaged, 'damaged').bits);
        } catch (error) {
          expect(error).toBeInstanceOf(BuildError);
        }
      }),
    );
  });

  it('compares versions number by number', () => {
    expect(newestVersions(['GLIBC_2.9', 'GLIBC_2.34', 'GLIBC_2.4', 'GCC_3.0', 'GLIBC_PRIVATE'])).toEqual({
      GCC: '3.0',
      GLIBC: '2.34',
    });
    expect(compareVersions('2.34', '2.34')).toBe(0);
    expect(compareVersions('2.34', '2.34.1')).toBeLessThan(0);
  });
});
