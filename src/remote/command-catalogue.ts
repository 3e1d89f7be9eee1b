import type { EntriesParameters } from './entries-transfer.ts';

/** What an operator may do with a key: `read` sees, `act` also makes the station do something that costs money, data or a line's time. */
export type Permission = 'read' | 'act';

/** Parameters of each command, as they stand in its JSON; what a key of operators needs for it is in `COMMANDS`. */
export interface CommandParameters {
  /** The health list, and what each item asks for. */
  readonly doctor: Record<string, never>;
  /** One reading of one meter, now. */
  readonly 'meter read': { readonly meter: string };
  /** The frames on a meter's line, as they come, for so long (at most two minutes). */
  readonly 'meter trace': { readonly meter: string; readonly forMs: number };
  /** Each sample of a meter on its topic, for so long (at most ten minutes), also where the day's budget puts readings together. */
  readonly 'meter watch': { readonly meter: string; readonly forMs: number };
  readonly 'journal stat': Record<string, never>;
  /** Of an entry against the newest checkpoint, or against that of so many entries. */
  readonly 'journal proof': { readonly index: number; readonly size?: number };
  /** Portable evidence of entries (docs/receipts.md). */
  readonly 'journal receipt': { readonly indices: readonly number[] } | { readonly session: string };
  /** Entries as they are signed, on topics of their own, with credit (docs/telemetry.md, Backfill). */
  readonly 'journal entries': EntriesParameters;
  readonly 'sync now': Record<string, never>;
  /** Which lines of the log are published, for so long (at most a day). */
  readonly 'log level': { readonly level: 'error' | 'warning' | 'info' | 'debug'; readonly forMs: number };
}

export type CommandName = keyof CommandParameters;

export type Command = {
  readonly [Name in CommandName]: { readonly name: Name; readonly parameters: CommandParameters[Name] };
}[CommandName];

/** What a key needs for each. A meter is read and traced without a request of its own being sent to any other. */
export const COMMANDS: Readonly<Record<CommandName, Permission>> = {
  doctor: 'read',
  'meter read': 'read',
  'meter trace': 'read',
  'meter watch': 'act',
  'journal stat': 'read',
  'journal proof': 'read',
  'journal receipt': 'read',
  'journal entries': 'read',
  'sync now': 'act',
  'log level': 'act',
};
