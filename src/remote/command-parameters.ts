import * as v from 'valibot';
import { COMMANDS, type Command, type CommandName, type CommandParameters } from './command-catalogue.ts';
import { MAX_CREDIT } from './entries-transfer.ts';
import { RemoteError } from './errors.ts';

/** What a command may ask for at most, so that no answer keeps a line, the link or the journal for itself. */
export const COMMAND_BOUNDS = {
  /** A trace shares its line with metering, and its lines the link with everything else. */
  traceMs: 120_000,
  /** Each sample costs data. */
  watchMs: 600_000,
  /** A level that is forgotten ends by itself. */
  logLevelMs: 86_400_000,
  /** What a receipt of loose entries can prove at once; those of a session are chosen by the station. */
  receiptIndices: 20,
} as const;

/** As many characters as an id in station.yaml may have. */
const METER_CHARACTERS = 64;
const SESSION_CHARACTERS = 255;

const count = v.pipe(
  v.number(),
  v.safeInteger('must be a whole number'),
  v.minValue(0, 'must be at least 0'),
);
const oneTo = (most: number) =>
  v.pipe(
    v.number(),
    v.safeInteger('must be a whole number'),
    v.minValue(1, 'must be at least 1'),
    v.maxValue(most, `must be at most ${most}`),
  );
const textUpTo = (most: number) =>
  v.pipe(
    v.string(),
    v.minLength(1, 'must not be empty'),
    v.maxLength(most, `must be at most ${most} characters`),
  );

const meter = textUpTo(METER_CHARACTERS);
const NONE = v.strictObject({});

export const SCHEMAS = {
  doctor: NONE,
  'meter read': v.strictObject({ meter }),
  'meter trace': v.strictObject({ meter, forMs: oneTo(COMMAND_BOUNDS.traceMs) }),
  'meter watch': v.strictObject({ meter, forMs: oneTo(COMMAND_BOUNDS.watchMs) }),
  'journal stat': NONE,
  'journal proof': v.pipe(
    v.strictObject({ index: count, size: v.exactOptional(count) }),
    v.check(({ index, size }) => size === undefined || size > index, 'size must be above index'),
  ),
  'journal receipt': v.union(
    [
      v.strictObject({
        indices: v.pipe(
          v.array(count),
          v.minLength(1),
          v.maxLength(COMMAND_BOUNDS.receiptIndices),
          v.check((indices) => new Set(indices).size === indices.length),
        ),
      }),
      v.strictObject({ session: textUpTo(SESSION_CHARACTERS) }),
    ],
    `needs either indices (1 to ${COMMAND_BOUNDS.receiptIndices} whole numbers, none twice) or session (a text)`,
  ),
  'journal entries': v.pipe(
    v.strictObject({
      ...{ from: count, to: count, credit: oneTo(MAX_CREDIT) },
      ...{ next: v.exactOptional(count), size: v.exactOptional(count), known: v.exactOptional(count) },
    }),
    v.check(({ from, to }) => to > from, 'to must be above from'),
    v.check(({ from, to, next = from }) => next >= from && next <= to, 'next must be one of from to to'),
    v.check(
      ({ size, known }) => size === undefined || known === undefined || known <= size,
      'known must be at most size',
    ),
  ),
  'sync now': NONE,
  'log level': v.strictObject({
    level: v.picklist(['error', 'warning', 'info', 'debug'], 'must be error, warning, info or debug'),
    forMs: oneTo(COMMAND_BOUNDS.logLevelMs),
  }),
} as const satisfies { readonly [Name in CommandName]: v.GenericSchema<unknown, CommandParameters[Name]> };

const MAX_SHOWN_CHARACTERS = 64;
const MAX_WHY_CHARACTERS = 300;

export function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(COMMANDS, name);
}

/** @throws RemoteError `remote.unknown_command` */
export function commandName(name: string): CommandName {
  if (isCommandName(name)) return name;
  throw new RemoteError('remote.unknown_command', `there is no command ${shown(name)}`, {
    hint: `There are: ${Object.keys(COMMANDS).join(', ')}.`,
  });
}

/**
 * @param json text of a JSON object; a key that the command does not have is refused
 * @throws RemoteError `remote.unknown_command`, `remote.bad_parameters`
 */
export function parseCommand(name: string, json: string): Command {
  const known = commandName(name);
  const schema: v.GenericSchema = SCHEMAS[known];
  const result = v.safeParse(schema, parsedJson(known, json));
  if (!result.success) throw bad(known, result.issues.map(told).join('; '));
  return { name: known, parameters: result.output } as Command;
}

function parsedJson(name: CommandName, json: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw bad(name, 'they are no JSON');
  }
  // valibot takes an empty list for an object without keys.
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(name, 'they are no JSON object');
  return value;
}

function told(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `${shown(path)} ${inWords(issue)}`;
}

/** A strict object's own words for a key too many or too few tell of types and not of parameters. */
function inWords({ type, expected, message }: v.BaseIssue<unknown>): string {
  if (type !== 'strict_object') return message;
  return expected === 'never' ? 'is no parameter of it' : 'is missing';
}

function bad(name: CommandName, why: string): RemoteError {
  // What came is quoted in it: an answer must stay small, and harmless on a terminal, whatever that was.
  const plain = why.replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?');
  const short = plain.length > MAX_WHY_CHARACTERS ? `${plain.slice(0, MAX_WHY_CHARACTERS)}…` : plain;
  return new RemoteError('remote.bad_parameters', `the parameters of ${name} are not right: ${short}`, {
    hint: 'docs/remote-commands.md lists the parameters of each command.',
  });
}

/** What somebody else wrote, for a message: short, and without control characters. */
export function shown(text: string): string {
  return JSON.stringify(text.slice(0, MAX_SHOWN_CHARACTERS).replace(/[\p{Cc}\p{Cf}\p{Cs}]/gu, '?'));
}
