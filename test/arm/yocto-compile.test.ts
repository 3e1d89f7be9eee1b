// do_compile of the Yocto recipe, line for line, with what BitBake sets around it: compilers with options in CC and CXX, its flags
// in the environment, `make` through oe_runmake, and no name of a tool in the recipe.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { readElf } from '../../build/elf.js';
import { CACHE } from '../../build/fetch-package.js';
import { ROOT } from '../../build/root.js';
import { TARGETS } from '../../build/targets.js';
import { readRecipes, whyNoPython, type View } from '../support/yocto/read-recipes.ts';
import { headersOf } from './emulated-target.ts';

/** As scarthgap sets them: conf/bitbake.conf, conf/distro/include/security_flags.inc. */
const FLAGS = '-O2 -pipe -g -feliminate-unused-debug-types';
const LDFLAGS = '-Wl,-O1 -Wl,--hash-style=gnu -Wl,--as-needed -Wl,-z,relro,-z,now -fstack-protector-strong';

const CASES = [
  { arch: 'arm64', machine: 'qemuarm64', release: 'wrynose', node: '22', tune: '-march=armv8-a+crc' },
  {
    arch: 'armv7',
    machine: 'qemuarm',
    release: 'scarthgap',
    node: '20',
    tune: '-march=armv7-a -mfpu=neon -mfloat-abi=hard -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64',
  },
] as const;

const NO_PYTHON = whyNoPython();
const hasCompiler = (tools: string) =>
  spawnSync(`${tools}g++`, ['--version'], { stdio: 'ignore' }).status === 0;

describe.each(CASES)('do_compile for $machine of $release', ({ arch, machine, release, node, tune }) => {
  const { tools, debianPackage, elf } = TARGETS[arch];
  const why = NO_PYTHON ?? (hasCompiler(tools) ? undefined : `${debianPackage} is not installed`);

  it.skipIf(why !== undefined)(
    `makes both addons, with their symbols and no trace of the folders (skipped: ${why ?? 'no'})`,
    () => {
      const home = path.join(CACHE, 'yocto-compile', arch);
      rmSync(home, { recursive: true, force: true });
      mkdirSync(path.join(home, 'build'), { recursive: true });
      const view: View = `${release}:${machine}`;
      const [, recipe] =
        [...(readRecipes([view]).get(view) ?? [])].find(([file]) => file.startsWith('delmonicos-inside_')) ??
        [];
      if (recipe === undefined) throw new Error('there is no recipe');
      const { variables, functions } = recipe;
      // The archive's folders, where they are in the repository.
      const compile = (functions['do_compile']?.[0]?.expanded ?? '')
        .replaceAll(`-C ${variables['S'] ?? ''}/`, `-C ${ROOT}/build/`)
        .replaceAll(`${variables['S'] ?? ''}/better-sqlite3`, `${ROOT}/node_modules/better-sqlite3`)
        .replaceAll(variables['B'] ?? '', `${home}/build`)
        .replaceAll(`${variables['STAGING_INCDIR'] ?? ''}/node`, path.join(headersOf(node), 'node'));
      expect(compile.match(/oe_runmake/g)).toHaveLength(2);

      const tool = (name: string) =>
        `${tools}${name} ${tune} -fstack-protector-strong -D_FORTIFY_SOURCE=2 -Wformat -Wformat-security -Werror=format-security`;
      const { status, stderr } = spawnSync('sh', ['-eu'], {
        input: `oe_runmake() { make -j 2 "$@"; }\ncd ${home}/build\n${compile}`,
        encoding: 'utf8',
        cwd: home,
        env: {
          PATH: '/usr/bin:/bin',
          ...{ CC: tool('gcc'), CXX: tool('g++'), STRIP: `${tools}strip` },
          ...{ CPPFLAGS: '', CFLAGS: FLAGS, CXXFLAGS: FLAGS, LDFLAGS },
        },
      });
      expect({ status, stderr }).toMatchObject({ status: 0 });
      for (const file of ['better_sqlite3.node', 'unix_datagram.node']) {
        const content = readFileSync(path.join(home, 'build', file));
        const { bits, machine: cpu } = readElf(content, file);
        expect({ bits, machine: cpu }).toEqual(elf);
        // Packaging strips, and keeps the symbols for the debug package.
        expect(content.includes('.debug_info')).toBe(true);
        // QA of BitBake: no library without GNU_HASH, no path of the build.
        expect(content.includes('.gnu.hash')).toBe(true);
        expect(content.includes(ROOT)).toBe(false);
      }
    },
  );
});
