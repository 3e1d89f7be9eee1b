// Serves the network from a process of its own, for the one that forked it, and ends with that one.
import './peer/node-20.ts';
import { rmSync } from 'node:fs';
import type { DevnetHost } from './devnet-host.ts';
import { DevnetError, messageOf } from './errors.ts';
import { type RemoteMethod, type Reply, type Request } from './messages.ts';

let host: DevnetHost | undefined;
let temporaryDirectory: string | undefined;

process.on('disconnect', () => {
  if (temporaryDirectory !== undefined) rmSync(temporaryDirectory, { recursive: true, force: true });
  process.exit(0);
});
// Ctrl-C in a terminal reaches both processes: the parent decides when this one ends.
process.on('SIGINT', () => undefined);
process.on('message', (request: Request) => {
  handle(request).then(
    (result) => reply({ id: request.id, result }),
    (thrown: unknown) => {
      const code = thrown instanceof DevnetError ? thrown.code : 'devnet.runtime_failed';
      reply({ id: request.id, error: { code, message: messageOf(thrown) } });
    },
  );
});

function reply(message: Reply): void {
  if (process.connected) process.send?.(message);
}

async function handle(request: Request): Promise<unknown> {
  if (request.method === 'start') {
    if (request.options.temporary) temporaryDirectory = request.options.directory;
    // Late, so that the polyfill is there before js-libp2p.
    const { DevnetHost: Host } = await import('./devnet-host.ts');
    const { host: started, ...answer } = await Host.start(request.options, (line) => console.log(line));
    host = started;
    return answer;
  }
  if (host === undefined) throw new DevnetError('devnet.not_running', 'the network was not started');
  const methods = host as unknown as Record<RemoteMethod, (...args: readonly unknown[]) => Promise<unknown>>;
  return await methods[request.method](...request.args);
}
