import { chmodSync, statSync, unlinkSync, type Stats } from 'node:fs';
import { createConnection, type Server } from 'node:net';
import { ControlError } from './errors.ts';

/** Owner and group: who may connect is a matter of group membership. */
const SOCKET_MODE = 0o660;

/**
 * Has a server listen on a Unix socket that its owner and its group may use. One that a killed service left behind is removed.
 * @throws ControlError `control.in_use` when another process listens there, `control.failed`
 */
export async function listenOnUnixSocket(server: Server, path: string): Promise<void> {
  await removeStale(path);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, () => {
        server.off('error', reject);
        resolve();
      });
    });
    // Until here nobody but the owner could connect: a new socket has the mode that umask leaves, and connecting needs to write.
    chmodSync(path, SOCKET_MODE);
  } catch (cause) {
    throw new ControlError('control.failed', `cannot listen on ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (cause) {
    throw new ControlError('control.failed', `cannot look at ${path}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

/** A service that was killed leaves its socket behind; nobody listens there any more. */
async function removeStale(path: string): Promise<void> {
  const found = statOf(path);
  if (found === undefined) return;
  if (!found.isSocket()) throw new ControlError('control.failed', `${path} is there and is no socket`);
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = createConnection(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isAlive) throw new ControlError('control.in_use', `another process listens on ${path}`);
  unlinkSync(path);
}
