import { archOfElf } from './elf-header.ts';
import { AddonError } from './errors.ts';

/** What a person calls the architectures of a bundle: the names of `npm run build -- --arch`. */
const SPOKEN: Readonly<Record<string, string>> = { arm: 'armv7' };

/** Node's own check, or already the loader's: V8's C++ names change from one major version to the next. */
const FOREIGN_NODE = /NODE_MODULE_VERSION|undefined symbol: _ZNK?(2v8|4node)/;

export interface UnloadableAddon {
  readonly file: string;
  /** The first bytes of it; undefined when there is no such file. */
  readonly header: Uint8Array | undefined;
  /** `process.arch` */
  readonly arch: string;
  /** `process.version` */
  readonly nodeVersion: string;
  readonly cause: unknown;
}

/** Why an addon does not load: it is missing, for another architecture, for another Node, or what the loader says. */
export function whyUnloadable({ file, header, arch, nodeVersion, cause }: UnloadableAddon): AddonError {
  const expected = spoken(arch);
  const details = { file, expected };
  if (header === undefined) {
    return new AddonError('addon.missing', `${file} is missing; it should be there, for ${expected}`, {
      details,
      cause,
      hint: `install the whole bundle for ${expected}: addons/ belongs to it`,
    });
  }
  const found = archOfElf(header);
  if (found !== arch) {
    const is = found === undefined ? 'no addon of a known architecture' : `for ${spoken(found)}`;
    return new AddonError('addon.wrong_arch', `${file} is ${is}; expected is one for ${expected}`, {
      details: { ...details, found: found === undefined ? 'unknown' : spoken(found) },
      cause,
      hint: `this machine needs the bundle for ${expected}; bundle.json says what this one is for`,
    });
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  if (FOREIGN_NODE.test(why)) {
    return new AddonError(
      'addon.wrong_node',
      `${file} is built for another major version of Node than ${nodeVersion}`,
      {
        details,
        cause,
        hint: 'bundle.json names the Node that this bundle is for; npm run build -- --node-version',
      },
    );
  }
  return new AddonError('addon.unloadable', `${file} does not load: ${why}`, {
    details,
    cause,
    hint: 'a symbol GLIBC_… that is not found: this system is older than what the bundle is for (docs/bundle.md)',
  });
}

function spoken(arch: string): string {
  return SPOKEN[arch] ?? arch;
}
