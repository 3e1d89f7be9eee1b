import net from 'node:net';
import { found, ok, type Finding } from './finding.ts';

const CONNECT_TIMEOUT_MS = 5_000;
/** A spec of a large chain names some dozen; a light client needs a few that answer. */
const MAX_TRIED = 16;

interface Attempted {
  readonly address: string;
  /** Why it cannot be reached; undefined: it takes connections. */
  readonly why: string | undefined;
}

/** Resolves and connects to the boot nodes of one chain, all at once, within some seconds. Says nothing to whoever is there. */
export async function checkBootNodes(name: string, addresses: readonly string[]): Promise<Finding> {
  if (addresses.length === 0) {
    return found(
      name,
      'chain.few_nodes',
      'there are none',
      'A light client finds no peer without one: chain.bootNodes.',
    );
  }
  const { bootNodeProblem } = await import('../../chain/index.ts');
  const tried = await Promise.all(
    addresses.slice(0, MAX_TRIED).map(async (address): Promise<Attempted> => {
      const why = bootNodeProblem(address) ?? (await connectProblem(address));
      return { address, why };
    }),
  );
  return judgeBootNodes(name, tried);
}

/** What to do depends on how many answer. Pure. */
export function judgeBootNodes(name: string, tried: readonly Attempted[]): Finding {
  const bad = tried.filter(({ why }) => why !== undefined);
  const shown = `${tried.length - bad.length} of ${tried.length} take connections`;
  if (bad.length === 0) return ok(name, shown);
  const [first] = bad;
  const detail = `${shown}; ${first?.address ?? ''}: ${first?.why ?? ''}`;
  if (bad.length === tried.length) {
    return found(
      name,
      'chain.unreachable',
      detail,
      'Check the network, the DNS server and the firewall of this device (TCP, the ports in the addresses), or name others in chain.bootNodes.',
    );
  }
  const fewLeft = tried.length - bad.length < 2;
  return fewLeft
    ? found(
        name,
        'chain.few_nodes',
        detail,
        'One boot node is little: add some that answer to chain.bootNodes.',
      )
    : ok(name, detail);
}

async function connectProblem(address: string): Promise<string | undefined> {
  const [, , host = '', , port = ''] = address.split('/');
  return await new Promise((resolve) => {
    const socket = net.connect({ host, port: Number(port) });
    const done = (why: string | undefined): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(why);
    };
    const timer = setTimeout(
      () => done(`no connection within ${CONNECT_TIMEOUT_MS / 1_000} s`),
      CONNECT_TIMEOUT_MS,
    );
    socket.once('connect', () => done(undefined));
    socket.once('error', (error: NodeJS.ErrnoException) => done(error.code ?? error.message));
  });
}
