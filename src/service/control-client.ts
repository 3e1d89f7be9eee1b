import { createConnection } from 'node:net';
import { ControlError } from './errors.ts';

/** A meter that does not answer is asked for some ten seconds before a session ends without it. */
const ANSWER_WITHIN_MS = 60_000;
const MAX_ANSWER_BYTES = 8 * 2 ** 20;

/**
 * Asks a running service one thing over its control socket.
 * @throws ControlError `control.unreachable` (effect none), `control.no_answer` (effect unknown: ask for the status)
 */
export async function askControlSocket(
  path: string,
  request: object,
  withinMs = ANSWER_WITHIN_MS,
): Promise<Record<string, unknown>> {
  return await new Promise((resolve, reject) => {
    const socket = createConnection(path);
    let isConnected = false;
    let text = '';
    // In all, not since the last byte: whoever tells a little from time to time has not answered either.
    const late = setTimeout(() => fail('no answer in time'), withinMs);
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(late);
      socket.destroy();
      reject(
        isConnected
          ? new ControlError('control.no_answer', `${path}: ${why}`, { effect: 'unknown', cause })
          : new ControlError('control.unreachable', `${path}: ${why}`, {
              cause,
              hint: 'Does the service run, with this socket as control.socket? Is this user in its group?',
            }),
      );
    };
    socket.setEncoding('utf8');
    socket.on('error', (error) => fail(error.message, error));
    socket.on('close', () => fail('closed without an answer'));
    socket.on('connect', () => {
      isConnected = true;
      socket.write(`${JSON.stringify(request)}\n`);
    });
    socket.on('data', (chunk: string) => {
      text += chunk;
      const end = text.indexOf('\n');
      if (end === -1) {
        if (text.length > MAX_ANSWER_BYTES) fail('the answer has no end');
        return;
      }
      try {
        resolve(JSON.parse(text.slice(0, end)) as Record<string, unknown>);
      } catch (cause) {
        return fail('the answer is no JSON', cause);
      }
      clearTimeout(late);
      socket.end();
    });
  });
}
