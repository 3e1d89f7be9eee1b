// The house as data: which room may import which. Read by the linter (eslint.config.js), one import at a time, and by
// architecture.test.ts, which follows imports to the end. A room is a folder; `face` is the only file others may import.

/**
 * @typedef {object} Room
 * @property {string} path folder, relative to the repository's root
 * @property {readonly string[]} uses rooms whose face this room may import
 * @property {readonly string[]} libraries packages it may import; `*` for any (node:* is governed by `pure`)
 * @property {boolean} [open] others may import any of its files, not only its index.ts
 */

const BOTTOM = ['src/chain', 'src/journal', 'src/identity', 'src/config', 'src/ocmf'];
const MIDDLE = [
  'src/health',
  'src/metering',
  'src/sync',
  'src/telemetry',
  'src/receipt',
  'src/service',
  'src/session',
  'src/provisioning',
  'src/remote',
];
const HAL = [
  'hal/contract',
  'hal/line',
  'hal/driver/modbus',
  'hal/driver/sml',
  'hal/driver/iec62056',
  'hal/driver/p1',
  'hal/driver/stream',
  'hal/profile',
];

/** @type {readonly Room[]} */
export const ROOMS = [
  { path: 'hal/contract', uses: [], libraries: [] },
  { path: 'hal/line', uses: ['hal/contract'], libraries: ['@serialport/stream', '@serialport/bindings-cpp'] },
  { path: 'hal/driver/modbus', uses: ['hal/contract'], libraries: [] },
  { path: 'hal/driver/sml', uses: ['hal/contract'], libraries: [] },
  { path: 'hal/driver/iec62056', uses: ['hal/contract'], libraries: [] },
  // DSMR P1 is mode D of IEC 62056-21 with a CRC: one grammar of data lines for both.
  { path: 'hal/driver/p1', uses: ['hal/contract', 'hal/driver/iec62056'], libraries: [] },
  // A meter on a live line, whichever of the three protocols it speaks.
  {
    path: 'hal/driver/stream',
    uses: ['hal/contract', 'hal/driver/sml', 'hal/driver/iec62056', 'hal/driver/p1'],
    libraries: [],
  },
  { path: 'hal/strict-yaml', uses: [], libraries: ['yaml', 'valibot'] },
  { path: 'hal/profile', uses: ['hal/contract', 'hal/strict-yaml'], libraries: ['valibot'] },
  { path: 'hal/simulator', uses: ['hal/contract', 'hal/profile'], libraries: [] },
  // The build puts it into packages that load an addon, too.
  { path: 'src/addon', uses: ['hal/contract'], libraries: [] },
  { path: 'src/config', uses: ['hal/contract', 'hal/strict-yaml'], libraries: ['valibot'] },
  { path: 'src/identity', uses: ['hal/contract'], libraries: ['@noble/hashes', '@scure/base', 'cborg'] },
  { path: 'src/journal', uses: ['hal/contract'], libraries: ['better-sqlite3', 'cborg'] },
  {
    path: 'src/ocmf',
    uses: ['hal/contract'],
    libraries: ['@noble/curves', '@noble/hashes', 'saxes'],
  },
  { path: 'src/chain', uses: ['hal/contract'], libraries: ['*'] },
  { path: 'src/service', uses: ['hal/contract', 'src/addon', ...BOTTOM], libraries: ['*'] },
  {
    path: 'src/receipt',
    uses: ['hal/contract', ...BOTTOM],
    libraries: ['cborg', 'valibot', '@noble/hashes'],
  },
  // Of the schemas a device takes the types only (telemetry-contract.test.ts).
  { path: 'src/telemetry/contract/schemas', uses: [], libraries: ['valibot'] },
  {
    path: 'src/telemetry',
    uses: ['hal/contract', 'src/telemetry/contract/schemas', ...BOTTOM],
    libraries: ['mqtt'],
  },
  {
    path: 'src/sync',
    uses: ['hal/contract', ...BOTTOM],
    libraries: ['better-sqlite3', '@noble/hashes', 'valibot'],
  },
  { path: 'src/session', uses: ['hal/contract', ...BOTTOM], libraries: [] },
  {
    path: 'src/provisioning',
    uses: ['hal/contract', ...BOTTOM],
    libraries: ['cborg', 'valibot', 'lean-qr', 'better-sqlite3'],
  },
  { path: 'src/remote', uses: ['hal/contract', ...BOTTOM], libraries: ['valibot', 'cborg'] },
  // The other side of telemetry: what an operator's desk sees and asks.
  {
    path: 'src/fleet',
    uses: [
      'hal/contract',
      ...BOTTOM,
      'src/telemetry',
      'src/telemetry/contract/schemas',
      'src/remote',
      'src/receipt',
    ],
    libraries: ['mqtt'],
  },
  // Pure: facts in, a list out.
  { path: 'src/health', uses: ['hal/contract'], libraries: [] },
  { path: 'src/metering', uses: ['hal/contract', ...BOTTOM], libraries: [] },
  { path: 'src/station', uses: [...HAL, ...BOTTOM, ...MIDDLE], libraries: ['*'] },
  // The receipt's own verifier, in a browser: a page of its own, which nothing imports (decision 0013).
  {
    path: 'src/verifier-page',
    uses: ['hal/contract', 'src/receipt'],
    libraries: ['@noble/curves', '@noble/hashes'],
  },
  { path: 'src/cli', uses: [...HAL, ...BOTTOM, ...MIDDLE, 'src/fleet', 'src/station'], libraries: ['*'] },
];

/** Files outside of a room that are part of the product. */
const ENTRY = 'src/main.ts';

/** @param {string} file @returns {Room | undefined} */
export function roomOf(file) {
  return ROOMS.filter((room) => file.startsWith(`${room.path}/`)).sort(
    (a, b) => b.path.length - a.path.length,
  )[0];
}

/**
 * Why `from` must not import `to`, or undefined when it may. Both are paths relative to the repository's root; a package
 * or a `node:` module is given as its specifier.
 * @param {string} from
 * @param {{ file?: string, library?: string }} to
 * @returns {string | undefined}
 */
export function whyForbidden(from, to) {
  if (from.startsWith('test/')) return undefined;
  const room = roomOf(from);
  if (room === undefined) {
    if (!from.startsWith('src/') && !from.startsWith('hal/')) return undefined;
    if (from !== ENTRY) return `${from} stands in no room of test/architecture/rooms.js`;
    return to.file !== undefined && !to.file.startsWith('src/cli/')
      ? `${ENTRY} may import src/cli only`
      : undefined;
  }
  if (to.library !== undefined) {
    if (to.library.startsWith('node:') || room.libraries.includes('*')) {
      return room.path === 'hal/contract' ? 'hal/contract imports nothing' : undefined;
    }
    const allowed = room.libraries.some((name) => to.library === name || to.library?.startsWith(`${name}/`));
    return allowed ? undefined : `${room.path} may not import the package ${to.library}`;
  }
  const target = to.file ?? '';
  if (target.startsWith('test/')) return 'the product must not import test/';
  const targetRoom = roomOf(target);
  if (targetRoom === undefined) {
    return target.endsWith('.json') ? undefined : `${target} stands in no room of test/architecture/rooms.js`;
  }
  if (targetRoom === room) return undefined;
  if (!room.uses.includes(targetRoom.path)) return `${room.path} may not import ${targetRoom.path}`;
  if (target !== `${targetRoom.path}/index.ts`) {
    return `${targetRoom.path} is entered through its index.ts, not through ${target}`;
  }
  return undefined;
}
