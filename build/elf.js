// What a shared object says of itself: for which machine it is, which libraries it needs, and which versions of their symbols.
// System V gABI chapters 4 and 5; versions: LSB Core, "Symbol Versioning". Little-endian only.
import { BuildError } from './build-error.js';

const SHT_DYNAMIC = 6;
const SHT_GNU_VERNEED = 0x6ffffffe;
const DT_NEEDED = 1n;
/** e_flags of 32-bit ARM: floating point arguments in registers (armhf). */
const ARM_HARD_FLOAT = 0x400;
const ARM = 40;

/**
 * @typedef {object} ElfFacts
 * @property {32 | 64} bits
 * @property {number} machine e_machine
 * @property {boolean} hardFloat false only for 32-bit ARM without
 * @property {string[]} libraries sonames it needs
 * @property {string[]} symbolVersions such as GLIBC_2.34
 */

/**
 * Throws a BuildError when it is no ELF file, or one that ends too early.
 * @param {Buffer} bytes
 * @param {string} name for the message
 * @returns {ElfFacts}
 */
export function readElf(bytes, name) {
  if (bytes.length < 64 || bytes.readUInt32BE(0) !== 0x7f454c46 || bytes[5] !== 1) {
    throw new BuildError(`${name} is no little-endian ELF file`);
  }
  try {
    const bits = bytes[4] === 2 ? 64 : 32;
    const machine = bytes.readUInt16LE(18);
    const sections = readSections(bytes, bits);
    return {
      bits,
      machine,
      hardFloat: machine !== ARM || (bytes.readUInt32LE(36) & ARM_HARD_FLOAT) !== 0,
      libraries: neededLibraries(bytes, bits, sections),
      symbolVersions: neededVersions(bytes, sections),
    };
  } catch (cause) {
    if (cause instanceof RangeError) throw new BuildError(`${name} is a damaged ELF file`, cause);
    throw cause;
  }
}

/** @typedef {{ type: number, offset: number, size: number, link: number }} Section */

/** @param {Buffer} bytes @param {32 | 64} bits @returns {Section[]} */
function readSections(bytes, bits) {
  const wide = bits === 64;
  const table = wide ? Number(bytes.readBigUInt64LE(40)) : bytes.readUInt32LE(32);
  const entrySize = bytes.readUInt16LE(wide ? 58 : 46);
  const count = bytes.readUInt16LE(wide ? 60 : 48);
  if (table + count * entrySize > bytes.length) throw new RangeError('section headers outside of the file');
  return Array.from({ length: count }, (_, index) => {
    const at = table + index * entrySize;
    return {
      type: bytes.readUInt32LE(at + 4),
      offset: wide ? Number(bytes.readBigUInt64LE(at + 24)) : bytes.readUInt32LE(at + 16),
      size: wide ? Number(bytes.readBigUInt64LE(at + 32)) : bytes.readUInt32LE(at + 20),
      link: bytes.readUInt32LE(at + (wide ? 40 : 24)),
    };
  });
}

/** @param {Buffer} bytes @param {32 | 64} bits @param {Section[]} sections */
function neededLibraries(bytes, bits, sections) {
  const libraries = [];
  const size = bits === 64 ? 16 : 8;
  for (const section of sections.filter(({ type }) => type === SHT_DYNAMIC)) {
    for (let at = section.offset; at < section.offset + section.size; at += size) {
      const tag = bits === 64 ? bytes.readBigInt64LE(at) : BigInt(bytes.readInt32LE(at));
      const value = bits === 64 ? Number(bytes.readBigUInt64LE(at + 8)) : bytes.readUInt32LE(at + 4);
      if (tag === DT_NEEDED) libraries.push(stringAt(bytes, sections, section.link, value));
    }
  }
  return libraries.sort();
}

/** @param {Buffer} bytes @param {Section[]} sections */
function neededVersions(bytes, sections) {
  /** @type {Set<string>} */
  const versions = new Set();
  for (const section of sections.filter(({ type }) => type === SHT_GNU_VERNEED)) {
    // One Verneed a library, each with a chain of Vernaux; both name the distance to the next, 0 at the end.
    for (let need = section.offset, more = true; more;) {
      let aux = need + bytes.readUInt32LE(need + 8);
      for (let left = bytes.readUInt16LE(need + 2); left > 0; left -= 1) {
        versions.add(stringAt(bytes, sections, section.link, bytes.readUInt32LE(aux + 8)));
        aux += bytes.readUInt32LE(aux + 12);
      }
      const next = bytes.readUInt32LE(need + 12);
      more = next !== 0;
      need += next;
    }
  }
  return [...versions].sort();
}

/** @param {Buffer} bytes @param {Section[]} sections @param {number} table @param {number} at */
function stringAt(bytes, sections, table, at) {
  const start = (sections[table]?.offset ?? bytes.length) + at;
  const end = bytes.indexOf(0, start);
  if (start >= bytes.length || end < 0) throw new RangeError('string outside of the file');
  return bytes.toString('latin1', start, end);
}

/**
 * The newest version of each family among symbol versions: `{ GLIBC: '2.34', GLIBCXX: '3.4.29' }`.
 * @param {readonly string[]} symbolVersions
 * @returns {Record<string, string>}
 */
export function newestVersions(symbolVersions) {
  /** @type {Record<string, string>} */
  const newest = {};
  for (const symbol of symbolVersions) {
    const [, family, version] = /^([A-Z]+)_([0-9.]+)$/.exec(symbol) ?? [];
    if (family === undefined || version === undefined) continue;
    const known = newest[family];
    if (known === undefined || compareVersions(version, known) > 0) newest[family] = version;
  }
  return Object.fromEntries(Object.entries(newest).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** @param {string} a @param {string} b */
export function compareVersions(a, b) {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number));
  for (let index = 0; index < Math.max(left?.length ?? 0, right?.length ?? 0); index += 1) {
    const difference = (left?.[index] ?? 0) - (right?.[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
