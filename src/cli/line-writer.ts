/**
 * For a command: whoever reads its output may stop reading (`... | head`); that is no failure, and nothing is left to say.
 * A service goes on instead: it takes this listener off stdout.
 */
export function endWithoutReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
}

/** What of a stream is used here. */
export interface LineSink {
  readonly writableLength: number;
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Lines that wait in memory for a reader who does not read; about as much as a pipe holds, sixteen times. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * Lines for whoever watches a service. A reader who goes away (journald restarts, a pipe is closed) or who stops reading
 * neither ends the service nor fills its memory: what it does not take is dropped, whole lines of it.
 */
export function lineWriter(sink: LineSink, maxWaitingBytes = MAX_WAITING_BYTES): (line: string) => void {
  let gone = false;
  sink.on('error', () => (gone = true));
  return (line) => {
    if (gone || sink.writableLength > maxWaitingBytes) return;
    try {
      sink.write(`${line}\n`);
    } catch {
      // A file on a full disk: the next line may have room again.
    }
  };
}
