// Compiles an addon for a target with its Makefile; what was compiled once from the same things is taken from the cache.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { BuildError, MissingToolError } from './build-error.js';
import { CACHE, unpackPackage } from './fetch-package.js';
import { ROOT } from './root.js';

const FLAGS = ['CFLAGS', 'CXXFLAGS', 'CPPFLAGS', 'LDFLAGS', 'MAKEFLAGS', 'SOURCE_DATE_EPOCH'];

/**
 * @typedef {object} Recipe
 * @property {string} file what comes out of it
 * @property {string} makefile its folder, relative to the root
 * @property {readonly string[]} sources files and folders it is made from, relative to the root
 * @property {Readonly<Record<string, string>>} variables for make
 */

/**
 * @param {Recipe} recipe
 * @param {import('./targets.js').Target} target
 * @param {import('./pinned-packages.js').NodeHeaders} [headers] of the Node that it is bound to, if it is
 * @returns {string} path of the stripped addon; throws a BuildError that names the Debian package when a tool is missing
 */
export function compileAddon({ file, makefile, sources, variables }, target, headers) {
  const prefix = compilerPrefix(target);
  const tools = { CC: `${prefix}gcc`, CXX: `${prefix}g++`, STRIP: `${prefix}strip` };
  for (const tool of ['make', ...Object.values(tools)]) requireTool(tool, target);
  const include = headers === undefined ? {} : { NODE_INCLUDE: `${unpackPackage(headers, 'include')}/node` };
  const compiler = execFileSync(tools.CXX, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? '';
  const key = createHash('sha256').update([target.arch, headers?.integrity ?? '', compiler].join('\n'));
  for (const source of [`${makefile}/Makefile`, ...sources])
    key.update(readFileSync(path.join(ROOT, source)));
  const kept = path.join(CACHE, 'addons', `${target.arch}-${key.digest('hex').slice(0, 32)}-${file}`);
  if (existsSync(kept)) return kept;

  mkdirSync(path.dirname(kept), { recursive: true });
  const out = mkdtempSync(path.join(CACHE, 'make-'));
  try {
    const settings = { ...tools, ...variables, ...include, OUT: out };
    // Flags in the caller's environment would make other bytes.
    const environment = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !FLAGS.includes(name)),
    );
    const made = spawnSync(
      'make',
      [
        '-C',
        path.join(ROOT, makefile),
        '-s',
        `-j${availableParallelism()}`,
        ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
      ],
      { env: environment, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] },
    );
    if (made.status !== 0) {
      throw new BuildError(
        `${file} does not compile for ${target.arch}:\n${made.stdout}${made.stderr}`.trimEnd(),
      );
    }
    renameSync(path.join(out, file), kept);
    return kept;
  } finally {
    rmSync(out, { recursive: true, force: true });
  }
}

/** On the machine itself its own compiler, whatever the distribution calls it. @param {import('./targets.js').Target} target */
function compilerPrefix(target) {
  return process.arch === target.nodeArch ? '' : target.tools;
}

/** @param {string} tool @param {import('./targets.js').Target} target */
function requireTool(tool, target) {
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined) return;
  const needed = tool === 'make' ? 'make' : compilerPrefix(target) === '' ? 'g++' : target.debianPackage;
  throw new MissingToolError(`${tool} is not installed; on Debian: apt-get install ${needed}`);
}
