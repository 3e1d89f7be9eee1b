// What surrounds the controller, on this host: meters on a bus and on the network, a broker, and a chain when it is asked for.
// The guest finds the host as 10.0.2.2.
import { startSimulatedStation, type SimulatedStation } from '../../../hal/simulator/index.ts';
import { startDevnet, type Devnet } from '../../devnet/index.ts';
import { startBroker, type BrokerMessage, type EmbeddedBroker } from '../../support/telemetry/broker.ts';

export const STATION = 'BOOT-0001';
const HOST = '10.0.2.2';
const BALANCE = 10n ** 15n;

export interface JournalSaid {
  readonly size: number;
  /** RFC 6962 root over the first `size` entries, hexadecimal. */
  readonly root: string;
}

export class ChargingSite {
  readonly meters: SimulatedStation;
  readonly broker: EmbeddedBroker;
  readonly messages: BrokerMessage[] = [];
  #devnet: Devnet | undefined;

  private constructor(meters: SimulatedStation, broker: EmbeddedBroker) {
    this.meters = meters;
    this.broker = broker;
    broker.onMessage((message) => this.messages.push(message));
  }

  static async start(): Promise<ChargingSite> {
    const meter = { model: 'eastron-sdm630', startWh: 5_000 };
    const meters = await startSimulatedStation({
      seed: 5,
      lines: [
        { id: 'lan', kind: 'tcp' },
        { id: 'bus', kind: 'rtuOverTcp' },
      ],
      meters: [
        { ...meter, id: 'evse1', serial: '41200001', unitId: 1, on: 'lan' },
        { ...meter, id: 'evse2', serial: '41200002', unitId: 2, on: 'bus' },
      ],
    });
    return new ChargingSite(meters, await startBroker());
  }

  /** What QEMU makes the guest's second serial port of. */
  get serialBusPort(): number {
    return this.#portOf('bus');
  }

  /** A network that a station with this account can anchor on. */
  async startChain(account: Uint8Array): Promise<Devnet> {
    this.#devnet = await startDevnet({
      ...{ heartbeatMs: 1_000, rpc: true },
      endow: [{ publicKey: account, balance: BALANCE }],
    });
    return this.#devnet;
  }

  /** The configuration, with more sections, one a line. */
  stationYaml(more: readonly string[] = []): string {
    return [
      `station: { name: ${STATION} }`,
      'lines:',
      `  - { id: lan, tcp: "${HOST}:${this.#portOf('lan')}" }`,
      '  - { id: bus, serial: /dev/ttyS1, baudRate: 115200 }',
      'meters:',
      '  - { id: evse1, line: lan, unitId: 1, profile: eastron-sdm630, every: 500ms }',
      '  - { id: evse2, line: bus, unitId: 2, profile: eastron-sdm630, every: 1s }',
      'journal: { groupCommit: 500ms, maxSize: 32MiB }',
      'control: { socket: /run/delmonicos/control.sock }',
      `telemetry: { mqtt: { url: "mqtt://${HOST}:${this.broker.port}" } }`,
      ...more,
      '',
    ].join('\n');
  }

  /** The `chain` section for a guest that asks this host's node. */
  chainSection(devnet: Devnet): string[] {
    const url = (devnet.rpcUrl ?? '').replace('127.0.0.1', HOST);
    return ['chain:', '  transport: rpc', `  url: "${url}"`, '  anchorEvery: 1s'];
  }

  /** The first document of a topic that fits, published from now on or, with `since`, from that message on. */
  async published<Document>(
    topic: string,
    accepts: (document: Document) => boolean = () => true,
    { since = this.messages.length, timeoutMs = 60_000 } = {},
  ): Promise<Document> {
    const full = `delmonicos/v1/${STATION}/${topic}`;
    const heard = (): Document[] =>
      this.messages
        .slice(since)
        .filter((message) => message.topic === full)
        .map(({ payload }) => JSON.parse(payload.toString()) as Document);
    return await new Promise((resolve, reject) => {
      const end = (): void => {
        stopListening();
        clearTimeout(timer);
      };
      const look = (): void => {
        const document = heard().find(accepts);
        if (document === undefined) return;
        end();
        resolve(document);
      };
      const stopListening = this.broker.onMessage(look);
      const timer = setTimeout(() => {
        end();
        const last = JSON.stringify(heard().slice(-3));
        reject(new Error(`nothing of that kind on ${full} within ${timeoutMs} ms; the last: ${last}`));
      }, timeoutMs);
      look();
    });
  }

  /** Everything the station has told of its journal over MQTT. */
  journalSaid(): JournalSaid[] {
    return this.messages
      .filter(({ topic }) => topic === `delmonicos/v1/${STATION}/journal`)
      .map(({ payload }) => JSON.parse(payload.toString()) as JournalSaid);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#devnet?.stop(), this.broker.stop(), this.meters.stop()]);
  }

  #portOf(id: string): number {
    const line = this.meters.lines.find((each) => each.id === id);
    if (line === undefined || line.kind === 'pty') throw new Error(`no line ${id} on a port`);
    return line.port;
  }
}
