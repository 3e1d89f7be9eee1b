// The chain gateway: holds the link to the chain and no key. Started by the core with a channel to it, or by systemd for a
// connection that the core has made (decision 0024); either way the channel is file descriptor 3, and its end is ours.
import { Socket } from 'node:net';
import * as v from 'valibot';
import { ChainError } from '../errors.ts';
import { CHANNEL_FD, FrameChannel } from '../frame-channel.ts';
import {
  type CoreMessage,
  coreMessageSchema,
  type GatewayEvent,
  type GatewayMessage,
  MAX_TEXT,
  OPERATIONS,
  PROTOCOL_VERSION,
} from '../protocol.ts';
import { toChainError } from './chain.ts';
import { dieWhenHung } from './hang-watch.ts';
import { isHandedOver, LISTEN_VARIABLES } from './listen-fds.ts';
import { createOperations } from './operations.ts';
import { dieWithCore } from './parent-watch.ts';
import { countTraffic } from './transport/traffic.ts';

const HEARTBEAT_MS = 1_000;
/** Log lines a second that cross the channel; what is above is dropped, the core counts repeats anyway. */
const LOG_LINES_PER_BEAT = 5;
const MAX_WAITING_BYTES = 256 * 1024;

let logLinesLeft = LOG_LINES_PER_BEAT;

function send(message: GatewayMessage): void {
  // A core that stands still reads later; what it does not need is not kept for it.
  const isNeeded = message.kind === 'result' || message.kind === 'failure';
  if (isNeeded || channel.waitingBytes < MAX_WAITING_BYTES) channel.send(message);
}

function emit(event: GatewayEvent): void {
  if (event.type === 'log') {
    if (logLinesLeft-- <= 0) return;
    event = { ...event, source: event.source.slice(0, 128), message: event.message.slice(0, MAX_TEXT) };
  }
  send({ v: PROTOCOL_VERSION, kind: 'event', event });
}

const corePid = corePidFrom(process.argv);
const isActivated = corePid === undefined && isHandedOver(process.env, process.pid);
for (const name of LISTEN_VARIABLES) delete process.env[name];
if (!isActivated && (corePid === undefined || corePid !== process.ppid)) notAlone();
const channel = openChannel();
const traffic = countTraffic();
const operations = createOperations(emit, isActivated ? { ownStateDirectory: ownStateDirectory() } : {});

async function answer(raw: unknown): Promise<void> {
  const parsed = v.safeParse(coreMessageSchema, raw);
  // Not the core we were built with: nothing sensible can be done for it.
  if (!parsed.success) return process.exit(2);
  const { id } = parsed.output;
  try {
    const result = await run(parsed.output);
    send({ v: PROTOCOL_VERSION, kind: 'result', id, result });
  } catch (error) {
    const { code, message, remedy, effect, hint } = toChainError(error);
    const failure = { code, message: message.slice(0, MAX_TEXT), remedy, effect, hint: hint ?? null };
    send({ v: PROTOCOL_VERSION, kind: 'failure', id, failure });
  }
}

async function run({ operation, params }: CoreMessage): Promise<unknown> {
  const checked = v.safeParse(OPERATIONS[operation].params, params);
  if (!checked.success) {
    throw new ChainError(
      'chain.protocol',
      `wrong parameters of "${operation}": ${checked.issues[0].message}`,
    );
  }
  // The table pairs each operation with its own parameters; the compiler cannot follow that through the index.
  return (operations[operation] as (params: unknown) => unknown)(checked.output);
}

/** Where the core keeps its things another user's gateway cannot look: it has a place of its own, or keeps nothing. */
function ownStateDirectory(): string | undefined {
  const [fromUnit] = (process.env['STATE_DIRECTORY'] ?? '').split(':');
  return process.env['DELMONICOS_GATEWAY_STATE'] || fromUnit || undefined;
}

/** The socket pair that the core has made, or the connection that was accepted for us. */
function openChannel(): FrameChannel {
  let stream: Socket;
  try {
    stream = new Socket({ fd: CHANNEL_FD, readable: true, writable: true });
  } catch {
    return notAlone();
  }
  // The core is gone, or has closed the channel: either way nobody wants this process any more.
  stream.on('close', () => process.exit(0));
  return new FrameChannel({
    stream,
    nowMonoMs: () => performance.now(),
    onMessage: (message) => void answer(message),
    onBroken: () => process.exit(2),
  });
}

function notAlone(): never {
  process.stderr.write(
    'This program is started by `delmonicos run` or by delmonicos-gateway.socket, with a channel to the core.\n',
  );
  process.exit(2);
}

function corePidFrom(argv: readonly string[]): number | undefined {
  const text = argv.find((argument) => argument.startsWith('--core-pid='))?.slice('--core-pid='.length);
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

process.on('unhandledRejection', (reason) => {
  emit({ type: 'log', level: 'warning', source: 'gateway', message: `unhandled: ${String(reason)}` });
});
let beat = (): void => {};
if (corePid === undefined) beat = dieWhenHung();
else dieWithCore(corePid);
function heartbeat(): void {
  beat();
  logLinesLeft = LOG_LINES_PER_BEAT;
  const rssBytes = process.memoryUsage.rss();
  send({ v: PROTOCOL_VERSION, kind: 'heartbeat', pid: process.pid, rssBytes, traffic: traffic() });
}
setInterval(heartbeat, HEARTBEAT_MS);
send({ v: PROTOCOL_VERSION, kind: 'ready' });
heartbeat();
