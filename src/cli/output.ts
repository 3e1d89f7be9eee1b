import { StationError } from '../../hal/contract/index.ts';

/** What the exit status says (CLI.md in the design: 0 good, 1 not good or failed, 2 usage or configuration). */
export const ExitCode = { good: 0, bad: 1, usage: 2 } as const;

/** Codes of errors that are the caller's: a wrong command line or a wrong configuration. */
const USAGE = /^(usage|config)\./;

/** One JSON document, or one line of JSON lines, on stdout. */
export function printJson(document: unknown): void {
  process.stdout.write(`${jsonLine(document)}\n`);
}

/**
 * JSON on one line; bigint becomes a decimal string. JSON escapes the controls below a blank only: what else could steer the terminal of
 * somebody who looks at it is escaped here, too, and says the same to a program. Pure.
 */
export function jsonLine(document: unknown): string {
  const text = JSON.stringify(document, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

/** A line for people on stdout (commands without --json). */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** A line for people on stderr: progress, warnings. */
export function note(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** What a file says is a stranger's text: nothing in it may steer the terminal. Line ends and tabs stay. */
export function harmless(text: string): string {
  return text.replace(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

/** The same for text that belongs on one line: it must not look like a line of ours either. */
export function harmlessLine(text: string): string {
  return harmless(text).replace(/[\n\t]/g, '\ufffd');
}

/** Which exit status an error deserves. */
export function exitCodeOf(error: unknown): number {
  return error instanceof StationError && USAGE.test(error.code) ? ExitCode.usage : ExitCode.bad;
}

/** Reports an error on stderr and says which exit status it deserves. */
export function printError(error: unknown): number {
  if (error instanceof StationError) {
    note(harmless(`error [${error.code}]: ${error.message}`));
    if (error.hint !== undefined) note(harmless(`hint: ${error.hint}`));
    return exitCodeOf(error);
  }
  note(`error [internal]: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  return ExitCode.bad;
}

/** Aligned columns for people. */
export function printTable(head: readonly string[], rows: readonly (readonly string[])[]): void {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)));
  for (const row of [head, ...rows])
    print(
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}
