// Where the data partition is mounted, and what is bound from it: by the units of the Yocto layer themselves, filled in as its
// recipe does, so that what is booted here is laid out as it is on a device.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const PLATFORM = path.resolve(
  import.meta.dirname,
  '../../../yocto/meta-delmonicos/recipes-core/delmonicos-platform',
);
const DEVICE = '/dev/vdb';
const SIZE_MIB = 96;
/** Of a test alone: on a device the configuration is the image's, or signed. */
const CONFIGURATION: Bind = { what: 'config', where: '/etc/delmonicos', mode: '0755' };

interface Bind {
  /** Folder on the data partition. */
  readonly what: string;
  readonly where: string;
  readonly mode: string;
}

export interface MountUnit {
  readonly name: string;
  readonly text: string;
}

export function mountUnits(): MountUnit[] {
  const fill = (template: string, values: Readonly<Record<string, string>>): string => {
    const text = readFileSync(path.join(PLATFORM, 'files', template), 'utf8');
    return Object.entries(values).reduce(
      (filled, [name, value]) => filled.replaceAll(`@${name}@`, value),
      text,
    );
  };
  const data = fill('data.mount.in', { DEVICE, DEVICE_UNIT: unitName(DEVICE) });
  return [
    { name: 'data.mount', text: data },
    ...binds().map(({ what, where, mode }) => ({
      name: `${unitName(where)}.mount`,
      text: fill('bind.mount.in', { WHAT: what, WHERE: where, MODE: mode }),
    })),
  ];
}

/** Folders that the root image must have, as nobody can make one in it later. */
export function mountPoints(): string[] {
  return ['/data', ...binds().map(({ where }) => where)];
}

/** A data partition as it leaves the factory: nothing on it but a configuration. */
export function newDataPartition(stationYaml: string): Buffer {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'boot-data-'));
  try {
    const content = path.join(directory, 'content');
    mkdirSync(path.join(content, CONFIGURATION.what), { recursive: true });
    chmodSync(content, 0o755);
    writeFileSync(path.join(content, CONFIGURATION.what, 'station.yaml'), stationYaml);
    const image = path.join(directory, 'data');
    const options = 'root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0';
    execFileSync('mkfs.ext4', ['-q', '-L', 'data', '-E', options, '-d', content, image, `${SIZE_MIB}M`], {
      stdio: 'pipe',
    });
    return readFileSync(image);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function binds(): Bind[] {
  const recipe = readFileSync(path.join(PLATFORM, 'delmonicos-platform.bb'), 'utf8');
  const [, list = ''] = /^DELMONICOS_BINDS \?= "([^"]*)"/m.exec(recipe) ?? [];
  const entries = [...list.matchAll(/([^\s\\:]+):([^\s:]+):([0-7]+)/g)];
  if (entries.length === 0) throw new Error('the recipe delmonicos-platform.bb names no binds');
  const asOnADevice = entries.map(([, what = '', where = '', mode = '']) => ({ what, where, mode }));
  return [...asOnADevice, CONFIGURATION];
}

/** systemd's escaping of paths: systemd.unit(5), "String escaping for inclusion in unit names". */
function unitName(file: string): string {
  return file.replace(/^\/+|\/+$/g, '').replaceAll(/(?!^)\.|[a-zA-Z0-9:_]|\/|[^]/g, (character) => {
    if (character === '/') return '-';
    if (/[.a-zA-Z0-9:_]/.test(character)) return character;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}
