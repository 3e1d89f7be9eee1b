import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type Metafile } from 'esbuild';
import type { Bench, Row } from './bench.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');

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
        title: 'On flash: the whole bundle, and its parts',
        baseline: 'dist',
        rows: ['dist', 'dist-arm64', 'dist-armv7'].filter(isBundle).map(bundleRow),
        notes: [
          `dist: ${process.platform} ${process.arch}; the others are there after npm run build -- --arch arm64 (armv7)`,
          'blocks: each file rounded up to 4 KiB; gzip: what a compressing file system or an update comes near to',
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

function isBundle(folder: string): boolean {
  return existsSync(path.join(ROOT, folder, 'bundle.json'));
}

/** By the list in bundle.json: a folder that tests run from holds chunks of earlier builds, too. */
function bundleRow(folder: string): Row {
  const { sha256 } = JSON.parse(readFileSync(path.join(ROOT, folder, 'bundle.json'), 'utf8')) as {
    sha256: Record<string, string>;
  };
  const files = [...Object.keys(sha256), 'bundle.json'];
  const contents = new Map(files.map((name) => [name, readFileSync(path.join(ROOT, folder, name))]));
  const of = (
    belongs: (name: string) => boolean,
    size = (content: Buffer) => content.length,
  ): ReturnType<typeof kib> =>
    kib([...contents].reduce((sum, [name, content]) => sum + (belongs(name) ? size(content) : 0), 0));
  const everything = (): boolean => true;
  return {
    subject: folder,
    measures: {
      total: of(everything),
      blocks: of(everything, (content) => Math.ceil(content.length / 4_096) * 4_096),
      gzip: of(everything, (content) => gzipSync(content).length),
      files: { unit: 'count', samples: [files.length] },
      core: of((name) => /^(delmonicos|chunk-.*)\.js$/.test(name)),
      gateway: of((name) => name === 'gateway.js'),
      'better-sqlite3': of((name) => name === 'addons/better_sqlite3.node'),
      'serial port': of((name) => name === 'addons/serialport.node'),
      'notify socket': of((name) => name === 'addons/unix_datagram.node'),
      models: of((name) => name.startsWith('models/')),
      'verifier.html': of((name) => name === 'verifier.html'),
      licences: of((name) => name.startsWith('licenses/')),
    },
  };
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
