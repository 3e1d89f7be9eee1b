import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { StationError } from '../../../hal/contract/index.ts';
import type { CheckName } from '../../health/index.ts';
import { askService, DEFAULT_SOCKET, HEALTH_WITHIN_MS } from '../ask-service.ts';
import { ExitCode, harmlessLine, print, printJson } from '../output.ts';
import { UsageError } from '../usage-error.ts';
import { judgeUpdate, OUTSIDE, type JudgedItem, type UpdateVerdict } from './update-verdict.ts';

interface Options {
  readonly socket: string;
  readonly before?: string;
  readonly require: readonly CheckName[];
  readonly json?: boolean;
}

export function registerUpdateCheckCommand(program: Command): void {
  program
    .command('update-check')
    .description(
      'asks the running service whether the station is as well as it was before an update; exit status 0: the update can be ' +
        'confirmed, 1: not yet, or not',
    )
    .option('--socket <path>', 'control socket of the running service (control.socket)', DEFAULT_SOCKET)
    .option(
      '--before <file>',
      'what `update-check --json` said before the update: what was a fault then is excused',
    )
    .option(
      '--require <check>',
      `also of the outside: ${OUTSIDE.join(', ')}; may be given more than once`,
      collect,
      [],
    )
    .option('--json', 'one JSON document')
    .action(checkUpdate);
}

function collect(value: string, earlier: readonly CheckName[]): readonly CheckName[] {
  const check = OUTSIDE.find((name) => name === value);
  if (check === undefined)
    throw new UsageError('usage.bad_option', `--require takes ${OUTSIDE.join(', ')}, not ${value}`);
  return [...earlier, check];
}

async function checkUpdate(options: Options): Promise<void> {
  const before = options.before === undefined ? null : readBefore(options.before);
  const { verdict, items } = await judgeRunning(options, before);
  if (options.json === true) printJson({ ...verdict, items });
  else if (verdict.ok) print('the station is as well as it was');
  else for (const line of verdict.missing) print(harmlessLine(line));
  process.exitCode = verdict.ok ? ExitCode.good : ExitCode.bad;
}

async function judgeRunning(
  { socket, require }: Options,
  before: readonly JudgedItem[] | null,
): Promise<{ verdict: UpdateVerdict; items: readonly JudgedItem[] }> {
  try {
    const answer = await askService(socket, { health: true }, HEALTH_WITHIN_MS);
    const items = itemsOf(answer['health']);
    if (items === undefined)
      throw new StationError('internal', 'it answered no health list', { remedy: 'retry' });
    return { verdict: judgeUpdate(items, before, require), items };
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    return { verdict: { ok: false, missing: [`the service does not answer: ${error.message}`] }, items: [] };
  }
}

/** null: the service did not answer then, and nothing is known. */
function readBefore(file: string): readonly JudgedItem[] | null {
  let told: unknown;
  try {
    told = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new UsageError('usage.file_unreadable', `${file} cannot be read as JSON`, { cause });
  }
  const items = itemsOf(told);
  if (items === undefined)
    throw new UsageError('usage.file_unreadable', `${file} is not what update-check --json prints`);
  return items.length === 0 ? null : items;
}

/** Both an answer of the service and a document of an earlier release: only what is looked at must be there. */
function itemsOf(told: unknown): readonly JudgedItem[] | undefined {
  const items = (told as { items?: unknown } | null)?.items;
  if (!Array.isArray(items)) return undefined;
  return items.every(
    (item: Partial<JudgedItem> | null) => typeof item?.check === 'string' && typeof item.state === 'string',
  )
    ? (items as JudgedItem[])
    : undefined;
}
