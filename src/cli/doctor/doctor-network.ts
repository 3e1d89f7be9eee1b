import { readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { StationError } from '../../../hal/contract/index.ts';
import type { ChainConfig, StationConfig } from '../../config/index.ts';
import { nameOf } from '../../health/index.ts';
import { checkBootNodes } from './doctor-boot-nodes.ts';
import { found, notChecked, ok, type Finding } from './finding.ts';

const CONNECT_TIMEOUT_MS = 5_000;

interface Endpoint {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** PEM that is trusted instead of the system's. */
  readonly ca?: Buffer | undefined;
}

export async function checkBroker({ telemetry: { mqtt } }: StationConfig): Promise<Finding> {
  if (mqtt === undefined) return notChecked('broker', 'the configuration names none');
  const { parseBrokerUrl } = await import('../../telemetry/index.ts');
  try {
    const address = parseBrokerUrl(mqtt.url);
    return await reachable('broker', { ...address, ca: await pinnedCa() });
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    return found(
      'broker',
      'telemetry.disconnected',
      `[${error.code}] ${error.message}`,
      error.hint ?? 'Correct telemetry.mqtt.url.',
    );
  }
}

/** The certificate authority that the service is given, if it is given one. */
async function pinnedCa(): Promise<Buffer | undefined> {
  const directory = process.env['CREDENTIALS_DIRECTORY'];
  if (directory === undefined) return undefined;
  return await readFile(path.join(directory, 'mqtt-ca')).catch(() => undefined);
}

/** What can be seen without asking the chain itself, and then, through a gateway, what the chain says. */
export async function checkChain(config: StationConfig, directory: string): Promise<Finding[]> {
  const { chain } = config;
  if (chain === undefined) return [notChecked('chain', 'the configuration names none: nothing is anchored')];
  const before = chain.transport === 'rpc' ? [await checkNode(chain)] : await checkSpecs(chain);
  const bad = before.find(({ state }) => state === 'fault');
  if (bad !== undefined) return [...before, notChecked('chain', `first of all: ${nameOf(bad)}`)];
  const { checkChainByGateway } = await import('./doctor-chain.ts');
  return [...before, ...(await checkChainByGateway(chain, directory, config))];
}

type LightClientConfig = Extract<ChainConfig, { transport: 'light-client' }>;

async function checkSpecs({ relaySpec, paraSpec, bootNodes }: LightClientConfig): Promise<Finding[]> {
  const [relay, para] = await Promise.all([
    relaySpec === undefined ? [] : checkSpec('chain relaySpec', relaySpec, bootNodes?.relay),
    checkSpec('chain paraSpec', paraSpec, bootNodes?.para),
  ]);
  return [...relay, ...para];
}

async function checkNode({ url }: Extract<ChainConfig, { transport: 'rpc' }>): Promise<Finding> {
  if (!URL.canParse(url))
    return found('chain node', 'chain.unreachable', `${url} is no URL`, 'Give chain.url as wss://host:port.');
  const { protocol, hostname, port } = new URL(url);
  const secure = protocol === 'wss:';
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  return await reachable('chain node', {
    host,
    port: port === '' ? (secure ? 443 : 80) : Number(port),
    tls: secure,
  });
}

/** What of a chain spec can be seen without starting a light client, and whether its boot nodes are there. */
async function checkSpec(
  name: string,
  file: string,
  override: readonly string[] | undefined,
): Promise<Finding[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const why = `cannot read ${file}: ${(error as Error).message}`;
    return [found(name, 'chain.spec_unreadable', why, 'Install the chain spec, or correct the path.')];
  }
  const spec = parsed(text);
  if (typeof spec?.['id'] !== 'string' || spec['genesis'] === undefined) {
    const advice = 'Export it anew from the chain (raw JSON, with id and genesis).';
    return [found(name, 'chain.spec_unreadable', `${file} is no chain spec`, advice)];
  }
  const named: unknown = override ?? spec['bootNodes'];
  const bootNodes = Array.isArray(named) ? named.filter((one): one is string => typeof one === 'string') : [];
  const nodes = await checkBootNodes(`${name.replace('Spec', '')} boot nodes`, bootNodes);
  return [ok(name, `${spec['id']}, ${bootNodes.length} boot nodes`), nodes];
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Connects, with TLS where it is asked for, and says nothing to whoever is there. */
async function reachable(name: 'broker' | 'chain node', endpoint: Endpoint): Promise<Finding> {
  const where = `${endpoint.host}:${endpoint.port}`;
  try {
    await connect(endpoint);
    return ok(name, `${where} takes connections${endpoint.tls ? ', its certificate is good' : ''}`);
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    const fault = name === 'broker' ? 'telemetry.disconnected' : 'chain.unreachable';
    return found(name, fault, `${where}: ${message.trim() || code}`, connectAdvice(code));
  }
}

function connectAdvice(code: string): string {
  if (code === 'ECONNREFUSED')
    return 'The host is there, but nothing listens on that port: check the port and the server.';
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return 'The name cannot be resolved: check it, and the DNS server of this device.';
  if (/CERT|TLS|SSL|ALTNAME|SELF_SIGNED/.test(code))
    return 'Check the certificate: its name, its end, the authority (credential mqtt-ca), and the clock of this device.';
  return 'Check the address, and that the network lets that port through.';
}

async function connect({ host, port, tls: secure, ca }: Endpoint): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const servername = net.isIP(host) === 0 ? { servername: host } : {};
    const socket = secure
      ? process.getBuiltinModule('node:tls').connect({ host, port, ...servername, ...(ca && { ca }) })
      : net.connect({ host, port });
    const timer = setTimeout(() => {
      socket.destroy(new Error(`no connection within ${CONNECT_TIMEOUT_MS / 1_000} s`));
    }, CONNECT_TIMEOUT_MS);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      clearTimeout(timer);
      socket.destroy();
      resolve();
    });
    socket.once('error', (error: Error) => {
      clearTimeout(timer);
      reject(error);
    });
  });
}
