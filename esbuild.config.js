// npm run build: the bundle of this machine in dist/, or with --arch of another one in dist-ARCH/ (docs/bundle.md).
// With --quiet for what starts from dist/ at once and often (tests, demo): beside processes that run from it.
import path from 'node:path';
import { parseArgs } from 'node:util';
import { BuildError } from './build/build-error.js';
import { buildBundle } from './build/bundle.js';
import { placeBeside, placeWhole } from './build/place.js';
import { NODE_HEADERS } from './build/pinned-packages.js';
import { hostTarget, TARGETS } from './build/targets.js';

const USAGE = `npm run build [-- --arch x64|arm64|armv7] [--node-version 20|22] [--output DIR] [--quiet]
  without --arch: for this machine, with the addon of better-sqlite3 that npm made, in dist/ and dist-maps/
  with --arch: the addons are compiled for it, in dist-ARCH/ and dist-ARCH-maps/`;

try {
  await main();
} catch (error) {
  if (!(error instanceof BuildError)) throw error;
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
}

async function main() {
  const { target, headers, output, quiet } = options();
  const { files, maps } = await buildBundle(target, headers);
  const place = quiet ? placeBeside : placeWhole;
  place(maps, `${output}-maps`);
  place(files, output);
  if (!quiet) console.log(summary(files, output));
}

function options() {
  /** @type {{ arch?: string, 'node-version'?: string, output?: string, quiet?: boolean, help?: boolean }} */
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        arch: { type: 'string' },
        'node-version': { type: 'string' },
        output: { type: 'string' },
        quiet: { type: 'boolean' },
      },
    }));
  } catch (cause) {
    throw new BuildError(`${cause instanceof Error ? cause.message : String(cause)}\n${USAGE}`);
  }
  const target = Object.values(TARGETS).find(({ arch }) => arch === values.arch) ?? hostTarget();
  if (values.arch !== undefined && target.arch !== values.arch) throw new BuildError(USAGE);
  const compile = values.arch !== undefined || values['node-version'] !== undefined;
  const headers = NODE_HEADERS.find(({ major }) => major === (values['node-version'] ?? '20'));
  if (headers === undefined) throw new BuildError(USAGE);
  return {
    target,
    headers: compile ? headers : undefined,
    output: path.resolve(values.output ?? (values.arch === undefined ? 'dist' : `dist-${target.arch}`)),
    quiet: values.quiet === true,
  };
}

/** @param {import('./build/bundle.js').Files} files @param {string} output */
function summary(files, output) {
  const sizes = new Map();
  for (const [name, { content }] of files) {
    const part = name.includes('/') ? `${name.split('/')[0]}/` : name.replace(/^chunk-.*/, 'chunk-*.js');
    sizes.set(part, (sizes.get(part) ?? 0) + content.length);
  }
  const rows = [...sizes].map(([part, bytes]) => `  ${(bytes / 1024).toFixed(0).padStart(6)} KiB  ${part}`);
  return `built ${path.relative('.', output)}:\n${rows.join('\n')}`;
}
