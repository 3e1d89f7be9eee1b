import {
  existsSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import type { DropIn, MachineFacts } from '../../service/index.ts';
import { harmlessLine, note, print, printJson } from '../output.ts';
import { UsageError } from '../usage-error.ts';

export interface UnitsOptions {
  readonly output?: string;
  readonly json?: true;
}

const TPM_DEVICE = '/dev/tpmrm0';
const TPM_GROUP = /^tss:/m;

/** `config units`: drop-ins for the units of core and gateway, as narrow as the configuration allows. */
export async function printUnits(file: string, { output, json }: UnitsOptions): Promise<void> {
  const [{ loadStationConfigWith }, profiles, { dropInText, DROP_INS, unitDropIns }] = await Promise.all([
    import('../../config/index.ts'),
    import('../../../hal/profile/index.ts'),
    import('../../service/index.ts'),
  ]);
  const config = await loadStationConfigWith(profiles, file);
  const { files, notes } = unitDropIns(config, thisMachine());
  const from = harmlessLine(path.resolve(file));
  const text = (dropIn: DropIn): string => dropInText(dropIn, from);
  if (output !== undefined) {
    for (const name of DROP_INS) {
      const made = files.find((dropIn) => dropIn.path === name);
      if (made === undefined) remove(path.join(output, name));
      else write(path.join(output, name), text(made));
    }
  }
  if (json) {
    printJson({ files: files.map((made) => ({ ...made, text: text(made) })), notes });
    return;
  }
  if (output === undefined) for (const made of files) print(`### ${made.path}\n${text(made)}`);
  for (const line of notes) note(`note: ${harmlessLine(line)}`);
  if (output !== undefined)
    note(`wrote ${files.length} files below ${output}; systemctl daemon-reload takes them up`);
}

function thisMachine(): MachineFacts {
  return {
    deviceNode: (device) => {
      try {
        return realpathSync(device);
      } catch {
        return undefined;
      }
    },
    // A unit with a group that does not exist is not started at all.
    hasTpm:
      existsSync(TPM_DEVICE) &&
      existsSync('/etc/group') &&
      TPM_GROUP.test(readFileSync('/etc/group', 'utf8')),
  };
}

/** At once or not at all: half a drop-in could be one that allows more. */
function write(file: string, text: string): void {
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
    writeFileSync(`${file}.new`, text, { mode: 0o644 });
    renameSync(`${file}.new`, file);
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

/** What an earlier configuration had and this one has not would still hold. */
function remove(file: string): void {
  try {
    rmSync(file, { force: true });
  } catch (cause) {
    throw unwritable(file, cause);
  }
}

function unwritable(file: string, cause: unknown): UsageError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new UsageError('usage.file_unwritable', `cannot write ${file}: ${why}`, { cause });
}
