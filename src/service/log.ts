import type { Log, LogLevel, MonotonicClock } from '../../hal/contract/index.ts';
import { RepeatedLines } from './repeated-lines.ts';

/** syslog severities (RFC 5424 §6.2.1), which journald reads from a `<n>` prefix. */
const SEVERITY: Record<LogLevel, number> = { error: 3, warning: 4, info: 6, debug: 7 };

export interface LogOptions {
  readonly level: LogLevel;
  /** Where a line goes; must not block. */
  readonly write: (line: string) => void;
  readonly clock: Pick<MonotonicClock, 'nowMonoMs'>;
  /** `<n>` prefix for journald instead of the level in words. */
  readonly journald: boolean;
}

/**
 * One line an event: `info meter.answering meter=evse1`. Warnings and errors with the same event, meter, line, peer and code are
 * printed once a minute with the count of those between.
 */
export function createLog(options: LogOptions): Log {
  const lines = new RepeatedLines();
  return (level, event, fields = {}) => {
    if (SEVERITY[level] > SEVERITY[options.level]) return;
    const mayRepeat = level === 'warning' || level === 'error';
    const repeated = mayRepeat ? lines.repeated(event, fields, options.clock.nowMonoMs()) : 0;
    if (repeated === undefined) return;
    const words = Object.entries(repeated > 0 ? { ...fields, repeated } : fields)
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}=${formatField(value)}`);
    const head = options.journald ? `<${SEVERITY[level]}>${event}` : `${level} ${event}`;
    options.write(cut([head, ...words].join(' ')));
  };
}

function formatField(value: unknown): string {
  if (value instanceof Error) return oneLine(JSON.stringify(value.message));
  if (typeof value === 'bigint') return value.toString();
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value);
  return oneLine(typeof value === 'string' && PLAIN.test(text) === false ? JSON.stringify(text) : text);
}

/** Needs no quotes: no space, nothing that steers a terminal, nothing that looks like another field. */
const PLAIN = /^[^\s"=\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]+$/u;

/**
 * What meters, peers and files say is a stranger's text. JSON escapes the first control characters only; the rest would still
 * end a line for some readers, or turn it around.
 */
function oneLine(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

/** journald breaks a line at 48 KiB (LineMax=, journald.conf(5)), and its rest has no priority any more. */
const MAX_CHARACTERS = 8_192;

function cut(line: string): string {
  return line.length <= MAX_CHARACTERS ? line : `${line.slice(0, MAX_CHARACTERS)}…`;
}
