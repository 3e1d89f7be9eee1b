import type { Command, CommandName } from '../../remote/index.ts';
import { UsageError } from '../usage-error.ts';

/** Options that belong to one command or the other, as commander reads them. */
export interface CommandArguments {
  readonly for?: number;
  readonly size?: number;
  readonly index?: readonly number[];
  readonly session?: string;
  readonly from?: number;
  readonly to?: number;
  readonly output?: string;
}

type OptionName = keyof CommandArguments;

interface Form {
  /** As it is typed, for people. */
  readonly usage: string;
  /** Words behind the command's own. */
  readonly words: number;
  readonly options: readonly OptionName[];
}

/** How each command is typed. */
export const FORMS: Readonly<Record<CommandName, Form>> = {
  doctor: { usage: 'doctor', words: 0, options: [] },
  'meter read': { usage: 'meter read METER', words: 1, options: [] },
  'meter trace': { usage: 'meter trace METER --for 10s', words: 1, options: ['for'] },
  'meter watch': { usage: 'meter watch METER --for 1m', words: 1, options: ['for'] },
  'journal stat': { usage: 'journal stat', words: 0, options: [] },
  'journal proof': {
    usage: 'journal proof INDEX [--size N] [-o FILE]',
    words: 1,
    options: ['size', 'output'],
  },
  'journal receipt': {
    usage: 'journal receipt (--index I … | --session ID) -o FILE',
    words: 0,
    options: ['index', 'session', 'output'],
  },
  'journal entries': {
    usage: 'journal entries --from I [--to J] -o FILE',
    words: 0,
    options: ['from', 'to', 'output'],
  },
  'sync now': { usage: 'sync now', words: 0, options: [] },
  'log level': { usage: 'log level LEVEL --for 10m', words: 1, options: ['for'] },
};

const DEFAULT_TRACE_MS = 10_000;
const DEFAULT_WATCH_MS = 60_000;
const DEFAULT_LOG_LEVEL_MS = 600_000;

/** What is asked, and where the answer goes. Pure. */
export type AskRequest =
  | { readonly kind: 'command'; readonly command: Command; readonly output: string | undefined }
  | {
      readonly kind: 'entries';
      readonly from: number;
      readonly to: number | undefined;
      readonly output: string;
    };

/**
 * Reads the words behind the station, and the options. A station checks the parameters itself: here they need a form only.
 * @throws UsageError `usage.bad_option`
 */
export function askRequest(words: readonly string[], given: CommandArguments): AskRequest {
  const name = commandOf(words);
  const { usage, words: wanted, options } = FORMS[name];
  const rest = words.slice(name.split(' ').length);
  if (rest.length !== wanted) throw bad(`it is typed: ${usage}`);
  for (const option of Object.keys(given) as OptionName[])
    if (given[option] !== undefined && !options.includes(option))
      throw bad(`--${option} does not go with ${name}: ${usage}`);
  const { output } = given;
  if (name === 'journal entries') {
    const { from, to } = given;
    if (from === undefined || output === undefined) throw bad(`it is typed: ${usage}`);
    if (to !== undefined && to <= from) throw bad('--to must be above --from');
    return { kind: 'entries', from, to, output };
  }
  if (name === 'journal receipt' && output === undefined) throw bad(`where to? ${usage}`);
  return { kind: 'command', command: commandWith(name, rest[0] ?? '', given), output };
}

type Told = Exclude<CommandName, 'journal entries'>;

function commandWith(name: Told, word: string, given: CommandArguments): Command {
  switch (name) {
    case 'doctor':
    case 'journal stat':
    case 'sync now':
      return { name, parameters: {} };
    case 'meter read':
      return { name, parameters: { meter: word } };
    case 'meter trace':
      return { name, parameters: { meter: word, forMs: given.for ?? DEFAULT_TRACE_MS } };
    case 'meter watch':
      return { name, parameters: { meter: word, forMs: given.for ?? DEFAULT_WATCH_MS } };
    case 'journal proof':
      return {
        name,
        parameters: { index: wholeNumber(word), ...(given.size !== undefined && { size: given.size }) },
      };
    case 'journal receipt':
      return { name, parameters: receiptOf(given) };
    case 'log level':
      return { name, parameters: { level: levelOf(word), forMs: given.for ?? DEFAULT_LOG_LEVEL_MS } };
  }
}

function receiptOf({ index = [], session }: CommandArguments) {
  if (session !== undefined && index.length > 0) throw bad('--index and --session exclude each other');
  if (session !== undefined) return { session };
  if (index.length === 0) throw bad(`which entries? ${FORMS['journal receipt'].usage}`);
  return { indices: index };
}

function commandOf(words: readonly string[]): CommandName {
  const typed = words.slice(0, 2).join(' ');
  const found = (Object.keys(FORMS) as CommandName[]).find(
    (name) => typed === name || (name === words[0] && !name.includes(' ')),
  );
  if (found !== undefined) return found;
  throw bad(`there is no command ${JSON.stringify(typed)}`, 'See `delmonicos ask --list`.');
}

function levelOf(word: string): 'error' | 'warning' | 'info' | 'debug' {
  if (word === 'error' || word === 'warning' || word === 'info' || word === 'debug') return word;
  throw bad('a level is error, warning, info or debug');
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(number))
    throw bad(`${JSON.stringify(text)} is no whole number`);
  return number;
}

function bad(message: string, hint?: string): UsageError {
  return new UsageError('usage.bad_option', message, hint === undefined ? {} : { hint });
}
