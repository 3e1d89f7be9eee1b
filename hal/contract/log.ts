export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** Events are a stable name plus fields, never a sentence with values inside. Implementations rate-limit and never block. */
export type Log = (level: LogLevel, event: string, fields?: Readonly<Record<string, unknown>>) => void;

export const silentLog: Log = () => {};
