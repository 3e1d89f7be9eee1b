import { readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import type { Bench, Row } from './bench.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const require = createRequire(import.meta.url);

/** Entry of the product, and the rooms that it loads lazily: whoever loads one also loads what it imports. */
const PARTS: readonly { readonly subject: string; readonly lazy: readonly string[] }[] = [
  { subject: 'any command (dist/delmonicos.js)', lazy: [] },
  { subject: 'run: meters on TCP, journal', lazy: ['station', 'service'] },
  { subject: 'run, with a serial line', lazy: ['station', 'service', 'serial-channel'] },
  { subject: 'run, with telemetry', lazy: ['station', 'service', 'telemetry', 'build'] },
  { subject: 'run, with a chain', lazy: ['station', 'service', 'sync'] },
];

export const bundleBench: Bench = {
  name: 'bundle',
  what: 'what the product takes on flash, by what loads it',
  async run() {
    const graph = await readGraph();
    const core = PARTS.map(({ subject, lazy }) =>
      sizeRow(
        subject,
        reach(graph, 'dist/delmonicos.js', (name) => lazy.includes(name)),
      ),
    );
    const everything = () => true;
    const all = [
      sizeRow('everything the command can load', reach(graph, 'dist/delmonicos.js', everything)),
      sizeRow('gateway (dist/gateway.js)', reach(graph, 'dist/gateway.js', everything)),
      sizeRow(
        'core and gateway',
        new Set([
          ...reach(graph, 'dist/delmonicos.js', everything),
          ...reach(graph, 'dist/gateway.js', everything),
        ]),
      ),
    ];
    const modules = { subject: NODE_MODULES, measures: { size: kib(productionModuleBytes()) } };
    return [
      {
        title: 'Bundle: minified JavaScript without source maps',
        baseline: NODE_MODULES,
        rows: [modules, ...core, ...all],
        notes: ['native addons not included on either side but in the baseline: see the next table'],
      },
      {
        title: 'Native addons on this architecture',
        baseline: NODE_MODULES,
        rows: [modules, ...addons()],
        notes: [
          `${process.platform} ${process.arch}; on the device they are needed once each, beside the bundle`,
        ],
      },
    ];
  },
};

const NODE_MODULES = 'node_modules of the dependencies, unbundled';

/** esbuild reads what was built: which file of dist/ imports which, and whether at once or lazily. */
async function readGraph(): Promise<Metafile['inputs']> {
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ['dist/delmonicos.js', 'dist/gateway.js'],
    outdir: 'unused',
    write: false,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    packages: 'external',
    metafile: true,
    logLevel: 'error',
  });
  return metafile.inputs;
}

/** Files that are loaded with `entry`, and with those lazily imported chunks whose name is asked for. */
function reach(graph: Metafile['inputs'], entry: string, lazily: (chunk: string) => boolean): Set<string> {
  const found = new Set<string>();
  const follow = (file: string): void => {
    if (found.has(file)) return;
    found.add(file);
    for (const { path: target, kind, external } of graph[file]?.imports ?? []) {
      if (external === true) continue;
      if (kind !== 'dynamic-import' || lazily(chunkName(target))) follow(target);
    }
  };
  follow(entry);
  return found;
}

function chunkName(file: string): string {
  return /chunk-(.+)-[A-Z0-9]{8}\.js$/.exec(file)?.[1] ?? file;
}

function sizeRow(subject: string, files: ReadonlySet<string>): Row {
  const contents = [...files].map((file) => readFileSync(path.join(ROOT, file)));
  const sum = (size: (content: Buffer) => number): number =>
    contents.reduce((total, content) => total + size(content), 0);
  return {
    subject,
    measures: {
      size: kib(sum((content) => content.length)),
      gzip: kib(sum((content) => gzipSync(content).length)),
      files: { unit: 'count', samples: [files.size] },
    },
  };
}

function addons(): Row[] {
  const sqlite = path.join(
    path.dirname(require.resolve('better-sqlite3/package.json')),
    'build/Release/better_sqlite3.node',
  );
  const serial = path.dirname(require.resolve('@serialport/bindings-cpp/package.json'));
  const prebuild = path.join(serial, 'prebuilds', `${process.platform}-${process.arch}`);
  const glibc = readdirSync(prebuild).filter((file) => file.endsWith('.node') && !file.includes('musl'));
  return [
    { subject: 'better-sqlite3', measures: { size: kib(statSync(sqlite).size) } },
    {
      subject: '@serialport/bindings-cpp',
      measures: { size: kib(Math.max(...glibc.map((file) => statSync(path.join(prebuild, file)).size))) },
    },
  ];
}

/** What `npm ci --omit=dev` would put on the flash: the packages that the lockfile does not call `dev`. */
function productionModuleBytes(): number {
  const lock = JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  return Object.entries(lock.packages)
    .filter(([folder, { dev }]) => folder !== '' && dev !== true)
    .reduce((total, [folder]) => total + folderBytes(path.join(ROOT, folder)), 0);
}

function folderBytes(folder: string): number {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch {
    return 0; // an optional package of another platform is in the lockfile but not installed
  }
  return entries.reduce((total, entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return total + (entry.name === 'node_modules' ? 0 : folderBytes(file));
    return total + (entry.isFile() ? statSync(file).size : 0);
  }, 0);
}

function kib(bytes: number): { unit: 'KiB'; samples: number[] } {
  return { unit: 'KiB', samples: [bytes / 1024] };
}
