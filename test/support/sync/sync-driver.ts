// A process with nothing but the sync service in it: anchors what its log holds, once, and may be told to die by SIGKILL at
// a point of the outbox. Arguments: one JSON document (DriverOrder). On stdout, JSON lines: gateway pids, then the outcome.
import { openSync, type ChainOptions } from '../../../src/sync/index.ts';
import { GrowingLog, syncOptions, testAccount } from './sync-station.ts';

export interface DriverOrder {
  readonly directory: string;
  readonly name: string;
  readonly accountFill: number;
  readonly size: number;
  readonly chain: ChainOptions;
  /**
   * A state of the intent just stored, `signing` (nothing stored yet), `handed-over` (the network has it, the outbox does
   * not know), or `accepting` (seen final, not stored yet).
   */
  readonly dieAt: string | null;
}

const order = JSON.parse(process.argv[2] ?? '') as DriverOrder;
const say = (document: object): void => void process.stdout.write(`${JSON.stringify(document)}\n`);
const die = (point: string): void => {
  if (point === order.dieAt) process.kill(process.pid, 'SIGKILL');
};

const account = testAccount(order.accountFill);
let connected = false;
let gatewayPid: number | null = null;
const sync = openSync(
  syncOptions({
    stateDirectory: order.directory,
    source: new GrowingLog(order.name, order.size),
    account: {
      ...account,
      sign: (bytes) => {
        die('signing');
        return account.sign(bytes);
      },
    },
    chain: order.chain,
    wallClock: {
      nowWallMs: () => {
        if (connected) die('accepting');
        return Date.now();
      },
    },
    log: (_level, event, fields) => {
      if (event === 'sync.handed_over') die('handed-over');
      if (event === 'sync.intent') die(String(fields?.state));
    },
    onStatus: ({ chain, gateway }) => {
      connected = chain !== null;
      if (gateway === null || gateway.pid === gatewayPid) return;
      gatewayPid = gateway.pid;
      say({ gatewayPid });
    },
  }),
);
const { outcome, anchor } = await sync.syncNow();
say({ outcome, anchor });
await sync.stop();
