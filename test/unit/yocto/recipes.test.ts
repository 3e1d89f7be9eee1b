import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import {
  LAYER,
  layerFiles,
  MACHINES,
  readRecipes,
  RELEASES,
  whyNoPython,
  type Recipe,
} from '../../support/yocto/read-recipes.ts';

const NO_PYTHON = whyNoPython();
const RELEASE_PIN = 'recipes-core/delmonicos-inside/delmonicos-inside-release.inc';
const isPinned = existsSync(path.join(LAYER, RELEASE_PIN));
/** Before the first release there is nothing to pin; everything else must be there. */
const mayBeMissing = new Set(isPinned ? [] : [path.basename(RELEASE_PIN)]);

let seen: ReturnType<typeof readRecipes>;
const recipe = (
  name: string,
  machine = 'qemux86-64',
  release: (typeof RELEASES)[number] = 'wrynose',
): Recipe => {
  const found = [...(seen.get(`${release}:${machine}`) ?? [])].find(([file]) => file.startsWith(name));
  if (found === undefined) throw new Error(`no recipe ${name}`);
  return found[1];
};
const words = (text: string | null | undefined) => (text ?? '').split(/\s+/).filter((word) => word !== '');

describe.skipIf(NO_PYTHON !== undefined)(`recipes of meta-delmonicos (skipped: ${NO_PYTHON ?? 'no'})`, () => {
  beforeAll(() => {
    const machines = [...MACHINES, 'musl', 'softfloat'];
    seen = readRecipes(
      RELEASES.flatMap((release) => machines.map((machine) => `${release}:${machine}` as const)),
    );
  });

  it('are read for every release and machine, and use no variable that nobody sets', () => {
    for (const [where, recipes] of seen) {
      expect(recipes.size).toBeGreaterThan(7);
      for (const [file, { unknown }] of recipes) {
        expect({ where, file, unknown: unknown.filter((name) => !mayBeMissing.has(name)) }).toEqual({
          where,
          file,
          unknown: [],
        });
      }
    }
  });

  it('have shell functions that a POSIX shell can read', () => {
    for (const [where, recipes] of seen) {
      const functions = [...recipes].flatMap(([file, { functions: all }]) =>
        Object.entries(all).flatMap(([name, parts]) =>
          parts.flatMap(({ kind, expanded }) =>
            kind === 'shell' ? [`# ${file}: ${name}\nfunction_of_a_recipe() {\n${expanded ?? ''}\n}\n`] : [],
          ),
        ),
      );
      expect(functions.length).toBeGreaterThan(5);
      const { status, stderr } = spawnSync('sh', ['-n'], { input: functions.join('\n'), encoding: 'utf8' });
      expect({ where, status, stderr }).toEqual({ where, status: 0, stderr: '' });
    }
  });

  it('find every source beside them, and leave none unused', () => {
    for (const file of layerFiles('.bb')) {
      const { variables } = recipe(path.basename(file));
      const named = words(variables['SRC_URI'])
        .filter((uri) => uri.startsWith('file://'))
        .map((uri) => uri.slice('file://'.length));
      const folder = path.join(path.dirname(file), 'files');
      expect({ file, sources: named.sort() }).toEqual({
        file,
        sources: existsSync(folder) ? readdirSync(folder).sort() : [],
      });
    }
  });

  it('install every source that they name', () => {
    for (const file of layerFiles('.bb')) {
      const { variables, functions } = recipe(path.basename(file));
      const code = Object.values(functions)
        .flat()
        .map(({ body }) => body)
        .join('\n');
      for (const uri of words(variables['SRC_URI']).filter((text) => text.startsWith('file://'))) {
        const name = uri.slice('file://'.length);
        // A template may be named without its ending.
        expect(
          code.includes(name) || code.includes('$script.in'),
          `${path.basename(file)} does nothing with ${name}`,
        ).toBe(true);
      }
    }
  });

  it('unpack where both releases want it', () => {
    for (const file of layerFiles('.bb', '.bbappend', '.inc')) {
      const text = readFileSync(file, 'utf8');
      const uses = text.split('\n').filter((line) => line.includes('${WORKDIR}'));
      expect({ file, uses: uses.filter((line) => line !== 'B = "${WORKDIR}/build"') }).toEqual({
        file,
        uses: [],
      });
      for (const [, value] of text.matchAll(/^S = "(.*)"$/gm))
        expect({ file, value }).toEqual({ file, value: '${UNPACKDIR}' });
    }
    const { variables } = recipe('delmonicos-inside_', 'qemuarm64', 'wrynose');
    expect(variables['S']).toMatch(/\/sources\/delmonicos-inside-\d+\.\d+\.\d+$/);
    expect(recipe('delmonicos-inside_', 'qemuarm64', 'scarthgap').variables['S']).toMatch(
      /[^s]\/delmonicos-inside-\d+\.\d+\.\d+$/,
    );
    expect(recipe('delmonicos-update', 'qemuarm64', 'scarthgap').variables['S']).not.toContain('sources');
  });

  it('write overrides with colons, as every release since honister wants them', () => {
    for (const file of layerFiles('.bb', '.bbappend', '.inc', '.conf')) {
      const old = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => /^[A-Z_]+_(append|prepend|remove|\$\{PN\})|^\w+_(append|prepend)\(\)/.test(line));
      expect({ file, old }).toEqual({ file, old: [] });
    }
  });

  it('name a licence and its text', () => {
    for (const file of layerFiles('.bb')) {
      const { variables } = recipe(path.basename(file));
      if (path.basename(file).startsWith('packagegroup-')) continue;
      expect(variables['LICENSE'], file).toMatch(/^[A-Za-z0-9.-]+( & [A-Za-z0-9.-]+)*$/);
      const hasSources = words(variables['SRC_URI']).length > 0;
      if (hasSources && (isPinned || !file.includes('delmonicos-inside_')))
        expect(variables['LIC_FILES_CHKSUM'], file).toMatch(/^\s*file:\/\/\S+;md5=[0-9a-f]{32}\b/);
    }
  });

  it('build the product for what its prebuilt addons are made for, and for nothing else', () => {
    const host = (machine: string) => {
      const { variables } = recipe('delmonicos-inside_', machine);
      return new RegExp(`^(?:${variables['COMPATIBLE_HOST'] ?? ''})`).test(variables['HOST_SYS'] ?? '');
    };
    expect(MACHINES.map((machine) => [machine, host(machine)])).toEqual(
      MACHINES.map((machine) => [machine, true]),
    );
    expect(host('musl')).toBe(false);
    expect(host('softfloat')).toBe(false);
    expect(
      MACHINES.map((machine) => recipe('delmonicos-inside_', machine).variables['DELMONICOS_ARCH']),
    ).toEqual(['x64', 'arm64', 'armv7']);
  });

  it.skipIf(!isPinned)(
    'the recipe of the product has the version of the release that is pinned (skipped: none is)',
    () => {
      const { variables } = recipe('delmonicos-inside_');
      expect(variables['PV']).toBe(variables['DELMONICOS_RELEASE']);
    },
  );

  it('boot, RAUC, the mounts and the disk mean the same partitions', () => {
    const wks = readFileSync(path.join(LAYER, 'recipes-core/images/delmonicos-image.wks.in'), 'utf8');
    const names = [...wks.matchAll(/^part .*--part-name (\S+)/gm)].map(([, name]) => name);
    expect(names).toEqual([
      'delmonicos-efi',
      'delmonicos-env',
      'delmonicos-a',
      'delmonicos-b',
      'delmonicos-data',
    ]);
    const { variables } = recipe('delmonicos-platform');
    for (const [name, label] of [
      ['ENV', 'env'],
      ['SLOT_A', 'a'],
      ['SLOT_B', 'b'],
      ['DATA', 'data'],
    ]) {
      expect(variables[`DELMONICOS_DEV_${name}`]).toBe(`/dev/disk/by-partlabel/delmonicos-${label}`);
    }
    const grub = readFileSync(path.join(LAYER, 'recipes-bsp/delmonicos-boot/files/grub.cfg.in'), 'utf8');
    expect(grub).toContain('($disk,gpt2)/grubenv');
    expect(grub.match(/gpt3[^]*?delmonicos-a[^]*?gpt4[^]*?delmonicos-b/)).not.toBeNull();
    const uboot = readFileSync(path.join(LAYER, 'recipes-bsp/delmonicos-boot/files/boot.cmd.in'), 'utf8');
    expect(uboot.match(/part 3[^]*?delmonicos-a[^]*?part 4[^]*?delmonicos-b/)).not.toBeNull();
    const conf = recipe('rauc-conf.bbappend').functions['do_install:append']?.[0]?.expanded ?? '';
    expect(conf).toMatch(/\[slot\.rootfs\.0\]\ndevice=\S+delmonicos-a\n[^]*bootname=A\n/);
    expect(conf).toMatch(/\[slot\.rootfs\.1\]\ndevice=\S+delmonicos-b\n[^]*bootname=B\n/);
    expect(conf).toContain('grubenv=/grubenv/grubenv');
  });

  it('take meta-rauc only where it is there and wanted', () => {
    const { variables } = recipe('packagegroup-delmonicos');
    expect(words(variables['RRECOMMENDS:packagegroup-delmonicos'])).toContain('delmonicos-update');
    const conf = readFileSync(path.join(LAYER, 'conf/layer.conf'), 'utf8');
    expect(conf).toMatch(/BBFILES_DYNAMIC \+= " \\\n\s+rauc:/);
    expect(conf).toContain('LAYERSERIES_COMPAT_delmonicos = "scarthgap wrynose"');
    expect(conf).toContain('LAYERDEPENDS_delmonicos = "core openembedded-layer"');
    for (const file of layerFiles('.bbappend'))
      expect(readFileSync(file, 'utf8')).toContain("bb.utils.contains('DISTRO_FEATURES', 'delmonicos-ab'");
  });
});

describe('builds with kas', () => {
  const folder = path.resolve(LAYER, '../kas');
  const read = (name: string) =>
    parse(readFileSync(path.join(folder, name), 'utf8')) as Record<string, unknown>;

  it('exist for each release of the layer, on its branches', () => {
    for (const release of RELEASES) {
      const { header, repos } = read(`${release}.yml`) as {
        header: { includes: string[] };
        repos: Record<string, { url: string; branch: string }>;
      };
      expect(header.includes).toEqual(['common.yml']);
      const branches = Object.entries(repos).map(([name, { branch }]) => [name, branch]);
      expect(branches.filter(([name]) => name !== 'bitbake').every(([, branch]) => branch === release)).toBe(
        true,
      );
      expect(Object.keys(repos)).toEqual(expect.arrayContaining(['meta-openembedded', 'meta-rauc']));
    }
    const { repos } = read('common.yml') as { repos: { delmonicos: { layers: Record<string, unknown> } } };
    for (const layer of Object.keys(repos.delmonicos.layers))
      expect(existsSync(path.resolve(LAYER, '../..', layer, 'conf/layer.conf'))).toBe(true);
  });
});

const isThere = (tool: string) =>
  spawnSync('sh', ['-c', `command -v ${tool}`], { stdio: 'ignore' }).status === 0;

describe('scripts of the boot', () => {
  it.skipIf(!isThere('grub-script-check'))(
    'GRUB can read its script (skipped: grub-common is not installed)',
    () => {
      const script = readFileSync(path.join(LAYER, 'recipes-bsp/delmonicos-boot/files/grub.cfg.in'), 'utf8');
      const filled = script.replaceAll('@KERNEL@', 'bzImage').replaceAll('@APPEND@', 'ro quiet');
      const { status, stderr } = spawnSync('grub-script-check', [], { input: filled, encoding: 'utf8' });
      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    },
  );
});
