import { setTimeout as delay } from 'node:timers/promises';
import { createServer, type Socket } from 'node:net';
import { StationError, type Log } from '../../hal/contract/index.ts';
import { ControlError } from './errors.ts';
import { listenOnUnixSocket } from './unix-listener.ts';

/** A request has a few hundred bytes; whoever sends more without an end of line is no client of ours. */
const MAX_LINE_BYTES = 16_384;
/** The charging software holds one or two. */
const MAX_CONNECTIONS = 16;
/** A connection on which nothing is asked is closed, so that forgotten ones do not use up the number. */
const IDLE_MS = 600_000;
/** So long, at the end, those are waited for whose request is being answered. */
const LAST_ANSWERS_MS = 500;

export interface ControlSocketOptions {
  readonly path: string;
  /** Answers one request; a rejection with a `StationError` is told to the client by its code. */
  readonly answer: (request: unknown) => Promise<object>;
  readonly log: Log;
}

export interface ControlSocket {
  /** Tells the answers that are there in a moment, closes the socket and every connection; resolves when the file is gone. */
  close(): Promise<void>;
}

/**
 * A Unix socket that takes JSON lines: one request, one answer, in order. Answers are `{"ok":true, ...}` or
 * `{"ok":false,"error":{"code","message","remedy","hint"}}`. Whatever a client sends, it harms nobody but itself.
 * @throws ControlError `control.in_use` when another process listens there, `control.failed`
 */
export async function openControlSocket(options: ControlSocketOptions): Promise<ControlSocket> {
  const sockets = new Set<Socket>();
  const answering = new Set<Promise<void>>();
  // Who has asked and closes its half of the connection, as socat does, still waits for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    if (sockets.size >= MAX_CONNECTIONS) {
      const error = new ControlError('control.busy', `there are ${MAX_CONNECTIONS} connections`);
      socket.on('error', () => {});
      socket.end(`${JSON.stringify(refusal(error))}\n`, () => socket.destroy());
      return;
    }
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serve(socket, options, (answered) => {
      answering.add(answered);
      void answered.finally(() => answering.delete(answered));
    });
  });
  await listenOnUnixSocket(server, options.path);
  server.on('error', (error) => options.log('error', 'control.failed', { error }));
  return {
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.race([Promise.all(answering), delay(LAST_ANSWERS_MS, undefined, { ref: false })]);
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** One request after the other: while one is answered, and until its answer was taken, nothing more is read. */
function serve(
  socket: Socket,
  { answer, log }: ControlSocketOptions,
  track: (answered: Promise<void>) => void,
): void {
  let waiting = Buffer.alloc(0);
  let isAnswering = false;
  let isLast = false;
  /** The next line that says something, if it is there by now; null when it is too long to be one. */
  const takeLine = (): string | null | undefined => {
    for (;;) {
      const end = waiting.indexOf(0x0a);
      if (end > MAX_LINE_BYTES || (end === -1 && waiting.length > MAX_LINE_BYTES)) return null;
      if (end === -1) return undefined;
      const line = waiting.subarray(0, end).toString('utf8').trim();
      waiting = waiting.subarray(end + 1);
      if (line !== '') return line;
    }
  };
  const next = (): void => {
    if (isAnswering || socket.destroyed) return;
    const line = takeLine();
    if (line === undefined) return void (isLast ? socket.end() : socket.resume());
    isAnswering = true;
    socket.pause();
    if (line === null) {
      const error = new ControlError('control.too_long', `a line has at most ${MAX_LINE_BYTES} bytes`);
      return void socket.end(`${JSON.stringify(refusal(error))}\n`, () => socket.destroy());
    }
    const told = answered(line, answer)
      .catch((error: unknown) => {
        if (!(error instanceof StationError)) log('error', 'control.request_failed', { error });
        return refusal(error);
      })
      .then((document) => {
        isAnswering = false;
        // Who asks and never reads must not fill our memory with answers.
        if (!socket.writable || socket.write(`${JSON.stringify(document)}\n`)) next();
        else socket.once('drain', next);
      });
    track(told);
  };
  socket.setTimeout(IDLE_MS, () => {
    // Nobody is cut off who waits for an answer.
    if (!isAnswering) socket.destroy();
  });
  socket.on('error', () => socket.destroy());
  socket.on('end', () => {
    isLast = true;
    next();
  });
  socket.on('data', (chunk) => {
    waiting = Buffer.concat([waiting, chunk]);
    next();
  });
}

async function answered(line: string, answer: ControlSocketOptions['answer']): Promise<object> {
  let request: unknown;
  try {
    request = JSON.parse(line);
  } catch (cause) {
    throw new ControlError('control.bad_json', 'the line is not one JSON document', { cause });
  }
  return { ok: true, ...(await answer(request)) };
}

function refusal(error: unknown): object {
  if (!(error instanceof StationError)) {
    return { ok: false, error: { code: 'internal', message: 'the request failed', remedy: 'operator' } };
  }
  const { code, message, remedy, hint, details } = error;
  return { ok: false, error: { code, message, remedy, details, ...(hint !== undefined && { hint }) } };
}
