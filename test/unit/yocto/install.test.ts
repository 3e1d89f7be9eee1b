import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAYER, readRecipes, whyNoPython, type Recipe } from '../../support/yocto/read-recipes.ts';

const NO_PYTHON = whyNoPython();
const VIEW = 'wrynose:qemuarm64';
const words = (text: string | null | undefined) => (text ?? '').split(/\s+/).filter((word) => word !== '');

/** What the image has from elsewhere. */
const SYSTEM = new Set(['systemctl', 'kill', '/bin/sh', '/usr/bin/rauc']);

let home: string;
let recipes: Map<string, Recipe>;
/** The source release, as build/release/release-files.js lays it out; the bundle in it is the one that the tests run on. */
let source: string;
const filesOf = (folder: string) =>
  readdirSync(realpathSync(path.join(source, folder)), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      path.join(
        folder,
        path.relative(realpathSync(path.join(source, folder)), path.join(entry.parentPath, entry.name)),
      ),
    );
const recipeOf = (name: string) => {
  const found = [...recipes].find(([file]) => file.startsWith(name));
  if (found === undefined) throw new Error(`no recipe ${name}`);
  return found[1];
};

/** Runs do_install of a recipe as BitBake would, with folders of ours. Files and folders that are installed, by path on the device. */
function install(name: string, S: string, B: string): Map<string, 'file' | 'folder' | 'link'> {
  const { functions, variables } = recipeOf(name);
  const D = path.join(home, 'image', name);
  mkdirSync(D, { recursive: true });
  const script = (functions['do_install'] ?? [])
    .map(({ expanded }) => expanded ?? '')
    .join('\n')
    .replaceAll(variables['D'] ?? '', D)
    .replaceAll(`${variables['B'] ?? ''}/`, variables['B'] === variables['S'] ? `${S}/` : `${B}/`)
    .replaceAll(`${variables['S'] ?? ''}/`, `${S}/`);
  const { status, stderr } = spawnSync('sh', ['-eu'], { input: script, encoding: 'utf8' });
  expect({ name, status, stderr }).toEqual({ name, status: 0, stderr: '' });
  return new Map(
    readdirSync(D, { recursive: true, withFileTypes: true }).map((entry) => [
      path.join(entry.parentPath, entry.name).slice(D.length),
      entry.isSymbolicLink() ? 'link' : entry.isDirectory() ? 'folder' : 'file',
    ]),
  );
}

/** Which package of the recipe a path goes to: the first whose FILES has it, or a folder that it is in. */
function packageOf(installed: string, name: string): string | undefined {
  const { variables } = recipeOf(name);
  return words(variables['PACKAGES']).find((one) =>
    words(variables[`FILES:${one}`]).some((pattern) => {
      const expression = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
      return new RegExp(`^${expression}(/.*)?$`).test(installed);
    }),
  );
}

describe.skipIf(NO_PYTHON !== undefined)(`what recipes install (skipped: ${NO_PYTHON ?? 'no'})`, () => {
  const installed = new Map<string, Map<string, string>>();

  beforeAll(() => {
    home = mkdtempSync(path.join(tmpdir(), 'delmonicos-yocto-'));
    recipes = readRecipes([VIEW]).get(VIEW) as Map<string, Recipe>;
    source = path.join(home, 'source');
    mkdirSync(source);
    symlinkSync(path.resolve('dist'), path.join(source, 'bundle'));
    symlinkSync(path.resolve('systemd'), path.join(source, 'systemd'));
    symlinkSync(path.resolve('docs'), path.join(source, 'docs'));
    for (const arch of ['x64', 'arm64', 'armv7']) {
      mkdirSync(path.join(source, 'addons', arch), { recursive: true });
      writeFileSync(path.join(source, 'addons', arch, 'serialport.node'), arch);
    }
    const B = path.join(home, 'build');
    mkdirSync(B);
    for (const addon of ['better_sqlite3.node', 'unix_datagram.node'])
      writeFileSync(path.join(B, addon), 'compiled');
    installed.set('delmonicos-inside', install('delmonicos-inside_', source, B));

    const platform = path.join(LAYER, 'recipes-core/delmonicos-platform/files');
    const units = path.join(home, 'platform');
    mkdirSync(units);
    for (const unit of [
      'data.mount',
      'grubenv.mount',
      'var-lib-delmonicos\\x2dgateway.mount',
      'keep-machine-id',
    ])
      writeFileSync(path.join(units, unit), '');
    installed.set('delmonicos-platform', install('delmonicos-platform', platform, units));

    const update = path.join(LAYER, 'dynamic-layers/rauc/recipes-core/delmonicos-update/files');
    installed.set('delmonicos-update', install('delmonicos-update', update, units));
  }, 60_000);
  afterAll(() => {
    rmSync(home, { recursive: true, force: true });
  });

  it('is all in a package', () => {
    for (const [name, files] of installed) {
      expect(files.size).toBeGreaterThan(5);
      for (const [file, kind] of files) {
        if (kind === 'folder' && [...files.keys()].some((other) => other.startsWith(`${file}/`))) continue;
        expect(packageOf(file, name), `${file} of ${name} is in no package`).toBeDefined();
      }
    }
  });

  it('is everything of the bundle that the release holds, and the addons for that machine', () => {
    const files = installed.get('delmonicos-inside') as Map<string, string>;
    // What is for one machine only is not in a source release.
    const bundle = filesOf('bundle').filter((file) => !/^bundle\/(addons\/|bundle\.json$)|\.map$/.test(file));
    expect(bundle.length).toBeGreaterThan(100);
    for (const file of bundle)
      expect(files.has(file.replace('bundle/', '/usr/lib/delmonicos/')), file).toBe(true);
    const { variables } = recipeOf('delmonicos-inside_');
    expect(variables['DELMONICOS_ARCH']).toBe('arm64');
    expect(
      readFileSync(
        path.join(home, 'image/delmonicos-inside_/usr/lib/delmonicos/addons/serialport.node'),
        'utf8',
      ),
    ).toBe('arm64');
    expect(files.get('/usr/lib/delmonicos/addons/better_sqlite3.node')).toBe('file');
    expect(files.get('/usr/bin/delmonicos')).toBe('link');
    expect(files.get('/usr/lib/delmonicos/addons/unix_datagram.node')).toBe('file');
  });

  it('is every file of systemd/, but for what useradd and the recipes do themselves', () => {
    const files = [...(installed.get('delmonicos-inside') ?? [])].map(([file]) => path.basename(file));
    const left = filesOf('systemd').filter((file) => !files.includes(path.basename(file)));
    expect(
      left.filter((file) => !/^systemd\/(README\.md|sysusers\.d\/.*|system-preset\/.*)$/.test(file)),
    ).toEqual([]);
  });

  it('keeps the light client apart from the core', () => {
    const gateway = [...(installed.get('delmonicos-inside') ?? [])].filter(
      ([file]) => packageOf(file, 'delmonicos-inside') === 'delmonicos-inside-gateway',
    );
    expect(gateway.map(([file]) => file).sort()).toEqual([
      '/usr/lib/delmonicos/bin/delmonicos-gateway',
      '/usr/lib/delmonicos/gateway.js',
      '/usr/lib/systemd/system/delmonicos-gateway.socket',
      '/usr/lib/systemd/system/delmonicos-gateway@.service',
    ]);
    // Known by the name of one of its errors: no part that the core loads has smoldot inside.
    const hasSmoldot = filesOf('bundle').filter(
      (file) =>
        file.endsWith('.js') && readFileSync(path.join(source, file)).includes('AlreadyDestroyedError'),
    );
    expect(hasSmoldot).toEqual(['bundle/gateway.js']);
  });

  it('runs only programs that are installed, too', () => {
    const all = new Set([...installed.values()].flatMap((files) => [...files.keys()]));
    let programs = 0;
    for (const [name, files] of installed) {
      for (const [file] of files) {
        if (!/\/systemd\/system\/[^/]+\.service$/.test(file)) continue;
        const unit = readFileSync(
          path.join(home, 'image', name === 'delmonicos-inside' ? 'delmonicos-inside_' : name, file),
          'utf8',
        );
        for (const [, program = ''] of unit.matchAll(/^Exec\w+=[-@:+!|]*(\S+)/gm)) {
          programs++;
          expect(all.has(program) || SYSTEM.has(program), `${file} runs ${program}`).toBe(true);
        }
      }
    }
    expect(programs).toBeGreaterThan(5);
  });

  it('has each unit that the recipes enable, and each that another one names of ours', () => {
    const units = new Map(
      [...installed].flatMap(([name, files]) =>
        [...files]
          .filter(([file, kind]) => kind === 'file' && file.startsWith('/usr/lib/systemd/system/'))
          .map(([file]) => [
            path.basename(file),
            path.join(home, 'image', name === 'delmonicos-inside' ? 'delmonicos-inside_' : name, file),
          ]),
      ),
    );
    const enabled = [...recipes.values()].flatMap(({ variables }) =>
      Object.entries(variables).flatMap(([key, value]) =>
        key.startsWith('SYSTEMD_SERVICE:') ? words(value) : [],
      ),
    );
    expect(enabled.length).toBeGreaterThan(4);
    for (const unit of enabled) {
      expect(units.has(unit), unit).toBe(true);
      expect(readFileSync(units.get(unit) ?? '', 'utf8'), `${unit} cannot be enabled`).toContain('[Install]');
    }
    for (const [unit, file] of units) {
      if (!existsSync(file)) continue;
      for (const [, names = ''] of readFileSync(file, 'utf8').matchAll(
        /^(?:Requires|OnFailure|Unit)=(.*)$/gm,
      )) {
        for (const name of words(names).filter((one) => one.startsWith('delmonicos')))
          expect(units.has(name), `${unit} names ${name}`).toBe(true);
      }
    }
  });

  it('makes the users that the units run as, and no second time', () => {
    const { variables } = recipeOf('delmonicos-inside_');
    const users = words(variables['USERADD_PACKAGES']).map((name) =>
      words(variables[`USERADD_PARAM:${name}`]).at(-1),
    );
    expect(users).toEqual(['delmonicos', 'delmonicos-gateway']);
    expect(variables['USERADD_PARAM:delmonicos-inside']).toContain('--groups dialout');
    expect(
      [...(installed.get('delmonicos-inside') ?? [])].filter(([file]) => file.includes('sysusers.d')),
    ).toEqual([]);
    for (const file of filesOf('systemd')) {
      const [, user] = /^User=(.*)$/m.exec(readFileSync(path.join(source, file), 'utf8')) ?? [];
      if (user !== undefined && user !== 'root') expect(users).toContain(user);
    }
  });

  it('has the licences that the list of what is inside names', () => {
    const { components } = JSON.parse(
      readFileSync(path.join(source, 'bundle/licenses/sbom.cdx.json'), 'utf8'),
    ) as { components: { licenses?: { license?: { id?: string }; expression?: string }[] }[] };
    const inside = new Set(
      components.flatMap(({ licenses = [] }) =>
        licenses.map(({ license, expression }) => license?.id ?? expression),
      ),
    );
    // OE's names for the two that are none of its own.
    const named = [...inside].flatMap((one) =>
      one === undefined
        ? []
        : one === 'blessing'
          ? ['PD']
          : [one.replace(/ WITH Classpath-exception-2\.0$/, '')],
    );
    expect(
      new Set(words(recipeOf('delmonicos-inside_').variables['LICENSE']).filter((word) => word !== '&')),
    ).toEqual(new Set([...named, 'Apache-2.0']));
  });
});
