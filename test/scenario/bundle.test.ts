import { execFile, execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readElf } from '../../build/elf.js';
import { hostTarget } from '../../build/targets.js';

const ROOT = path.resolve(import.meta.dirname, '../..');
const target = hostTarget();

interface BundleJson {
  readonly version: string;
  readonly arch: string;
  readonly node: { readonly major: string; readonly abi: string };
  readonly needs: Readonly<Record<string, string>>;
  readonly addons: Readonly<Record<string, { readonly boundTo: string }>>;
  readonly sha256: Readonly<Record<string, string>>;
}

interface Sbom {
  readonly components: readonly { readonly 'bom-ref': string; readonly licenses?: readonly unknown[] }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

let work: string;
/** A bundle below no node_modules. */
let bundle: string;

/** Built as somebody else would: elsewhere, with other settings. */
function build(name: string): string {
  const output = path.join(work, name);
  execFileSync(
    'sh',
    ['-c', 'umask 077; exec "$@"', 'sh', process.execPath, `${ROOT}/esbuild.config.js`, '--output', output],
    {
      cwd: '/',
      env: { ...process.env, TZ: 'Asia/Tokyo', LANG: 'C', HOME: '/nonexistent', SOURCE_DATE_EPOCH: '1' },
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  return output;
}

beforeAll(() => {
  work = mkdtempSync(path.join(tmpdir(), 'delmonicos-bundle-'));
  bundle = build('bundle');
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

const filesOf = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(path.join(folder, name)).isFile())
    .sort();
const json = (file: string): unknown => JSON.parse(readFileSync(path.join(bundle, file), 'utf8'));
const manifest = (): BundleJson => json('bundle.json') as BundleJson;

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const env = { ...process.env, DELMONICOS_NODE: process.execPath };
    execFile(program, args, { env, cwd: '/' }, (error, stdout, stderr) =>
      resolve({
        status: error === null ? 0 : typeof error.code === 'number' ? error.code : -1,
        stdout,
        stderr,
      }),
    );
  });
}

describe('the bundle', () => {
  it('is the same, byte for byte, wherever and by whomever it is built', () => {
    // The one that the tests run from is the other build; where that is an older one, one more is made.
    const fresh = process.env['REUSE_BUILD'] !== '1';
    const other = fresh ? path.join(ROOT, 'dist') : build('other');
    expect(JSON.parse(readFileSync(path.join(other, 'bundle.json'), 'utf8'))).toEqual(manifest());
    for (const [suffix, names] of [
      ['', [...Object.keys(manifest().sha256), 'bundle.json']],
      ['-maps', filesOf(`${bundle}-maps`)],
    ] as const) {
      for (const name of names) {
        const same = readFileSync(path.join(bundle + suffix, name)).equals(
          readFileSync(path.join(other + suffix, name)),
        );
        expect(same, name).toBe(true);
      }
    }
  });

  it('names each of its files with its hash, and has no other', () => {
    const { sha256 } = manifest();
    expect(filesOf(bundle)).toEqual([...Object.keys(sha256), 'bundle.json'].sort());
    for (const [name, hash] of Object.entries(sha256)) {
      expect(
        createHash('sha256')
          .update(readFileSync(path.join(bundle, name)))
          .digest('hex'),
        name,
      ).toBe(hash);
    }
  });

  it('has no path of the machine that built it in it, no source map, and permissions of its own', () => {
    const paths = [`${ROOT}/`, work].map((text) => Buffer.from(text));
    const all = [bundle, `${bundle}-maps`].flatMap((folder) =>
      filesOf(folder).map((name) => path.join(folder, name)),
    );
    expect(all.filter((file) => paths.some((text) => readFileSync(file).includes(text)))).toEqual([]);
    expect(filesOf(bundle).filter((name) => name.endsWith('.map'))).toEqual([]);
    expect(filesOf(`${bundle}-maps`)).toContain('delmonicos.js.map');
    const programs = filesOf(bundle).filter(
      (name) => (statSync(path.join(bundle, name)).mode & 0o777) === 0o755,
    );
    expect(programs).toEqual(['bin/delmonicos', 'bin/delmonicos-gateway', 'delmonicos.js']);
    expect(statSync(path.join(bundle, 'addons')).mode & 0o777).toBe(0o755);
  });

  it('has addons of its own architecture only, and says which C library they need', () => {
    const { addons, arch, node, needs } = manifest();
    expect(arch).toBe(target.arch);
    expect(node).toEqual({ major: process.versions.node.split('.')[0], abi: process.versions.modules });
    expect(readdirSync(path.join(bundle, 'addons')).sort()).toEqual(Object.keys(addons).sort());
    expect(addons).toMatchObject({
      'better_sqlite3.node': { boundTo: 'node' },
      'serialport.node': { boundTo: 'napi' },
    });
    for (const name of Object.keys(addons)) {
      const { bits, machine } = readElf(readFileSync(path.join(bundle, 'addons', name)), name);
      expect({ bits, machine }, name).toEqual(target.elf);
    }
    expect(needs['GLIBC']).toMatch(/^2\.\d+$/);
  });

  it('has the licence of every package that is in it, and lists it for machines', () => {
    const sbom = json('licenses/sbom.cdx.json') as Sbom;
    const refs = new Map(sbom.components.map((component) => [component['bom-ref'], component]));
    const packages = shippedAccordingToEsbuild();
    expect(packages.length).toBeGreaterThan(40);
    for (const { name, version } of packages) {
      const text = readFileSync(
        path.join(bundle, `licenses/${name.replace('/', '+')}@${version}.txt`),
        'utf8',
      );
      expect(text, name).toMatch(/permission|copyright|licen[cs]e/i);
      const component = refs.get(`pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect(component?.licenses, name).toHaveLength(1);
    }
    for (const { ref, dependsOn } of sbom.dependencies) {
      expect(
        dependsOn.filter((other) => !refs.has(other)),
        ref,
      ).toEqual([]);
    }
    expect([...refs.keys()].filter((ref) => ref.startsWith('pkg:generic/sqlite@'))).toHaveLength(1);
    // Of smoldot's own parts its package says nothing but what its compiled code names.
    expect([...refs.keys()].filter((ref) => ref.startsWith('pkg:cargo/')).length).toBeGreaterThan(40);
  });

  it('carries the whole text of the licence of the light client, with its exception', () => {
    const [file] = filesOf(bundle).filter((name) => name.startsWith('licenses/smoldot@'));
    const text = readFileSync(path.join(bundle, file ?? ''), 'utf8');
    expect(text).toContain('GPL-3.0-or-later WITH Classpath-exception-2.0');
    expect(text).toContain('link this library with independent modules');
    expect(text).toContain('TERMS AND CONDITIONS');
    expect(text).toContain('END OF TERMS AND CONDITIONS');
  });

  it('runs without a node_modules, also through symbolic links', async () => {
    const bin = path.join(work, 'usr-bin');
    mkdirSync(bin);
    symlinkSync(path.join(bundle, 'bin/delmonicos'), path.join(bin, 'first'));
    symlinkSync('first', path.join(bin, 'delmonicos'));
    const command = path.join(bin, 'delmonicos');
    const state = path.join(work, 'state');
    const [version, key, journal, serial] = await Promise.all([
      run(command, ['--version']),
      run(command, ['key', 'init', state]),
      run(command, ['journal', 'verify', path.join(ROOT, 'test')]),
      run(command, ['meter', 'read', '--serial', '/dev/none', '--profile', 'eastron-sdm630']),
    ]);
    expect(version).toMatchObject({ status: 0, stdout: `${manifest().version}\n` });
    expect(key.status).toBe(0);
    expect(existsSync(path.join(state, 'root.seed'))).toBe(true);
    // SQLite's addon and the serial port's were loaded: what is missing is a journal, and a port.
    expect(journal.stderr).toContain('[journal.missing]');
    expect(serial.stderr).not.toContain('addon.');
    expect(serial.status).toBe(1);
  });

  it('says which file is wrong, and for which architecture it should be', async () => {
    const broken = path.join(work, 'broken');
    cpSync(bundle, broken, { recursive: true });
    const addon = path.join(broken, 'addons/better_sqlite3.node');
    const command = (): Promise<Ended> =>
      run(path.join(broken, 'bin/delmonicos'), ['journal', 'verify', path.join(ROOT, 'test')]);

    const foreign = readFileSync(addon);
    foreign.writeUInt16LE(target.arch === 'arm64' ? 62 : 183, 18);
    rmSync(addon);
    const missing = await command();
    expect(missing.status).toBe(1);
    expect(missing.stderr).toContain('[addon.missing]');
    expect(missing.stderr).toContain(addon);
    expect(missing.stderr).toContain(target.arch);
    writeFileSync(addon, foreign);
    const wrong = await command();
    expect(wrong.status).toBe(1);
    expect(wrong.stderr).toContain('[addon.wrong_arch]');
  });
});

/** Independent of how the build collects licences: name and version of each package of which a byte is in an output. */
function shippedAccordingToEsbuild(): { name: string; version: string }[] {
  const inputs = ['bundle', 'verifier'].flatMap((name) => {
    const { outputs } = JSON.parse(readFileSync(`${bundle}-maps/${name}.meta.json`, 'utf8')) as Metafile;
    return Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
  });
  const folders = inputs
    .filter(([file, { bytesInOutput }]) => bytesInOutput > 0 && file.includes('node_modules/'))
    .map(([file]) => {
      const parts = file.split('/');
      const at = parts.lastIndexOf('node_modules');
      return parts.slice(0, at + (parts[at + 1]?.startsWith('@') === true ? 3 : 2)).join('/');
    });
  return [...new Set(folders)].map(
    (folder) =>
      JSON.parse(readFileSync(path.join(ROOT, folder, 'package.json'), 'utf8')) as {
        name: string;
        version: string;
      },
  );
}
