import { randomBytes } from 'node:crypto';
import { connectAsync, type IClientPublishOptions, type MqttClient } from 'mqtt';
import { signCommand, type CommandToSign, type ResponsePart } from '../../../src/remote/index.ts';
import type { TestOperator } from './command-fixture.ts';

export interface Asked {
  /** All parts, the last one among them. */
  readonly parts: readonly ResponsePart[];
  readonly topics: ReadonlySet<string>;
  readonly correlation: readonly string[];
}

export interface HowToAsk extends Partial<CommandToSign> {
  readonly operator?: TestOperator;
  /** Below the station's prefix; MQTT 5. Not told unless given. */
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
}

/**
 * Somebody at the broker with an operator's key, who reads the challenge in `status` as anybody does. Ten commands
 * at once are looked at by a station (GATE_LIMITS): a test that asks more has another station for them.
 */
export class Asker {
  readonly station: string;
  readonly #client: MqttClient;
  readonly #operator: TestOperator;
  readonly #messages: { topic: string; payload: Buffer; correlation: string }[] = [];
  #look: () => void = () => {};

  private constructor(client: MqttClient, station: string, operator: TestOperator) {
    this.#client = client;
    this.station = station;
    this.#operator = operator;
    client.on('error', () => {});
    client.on('message', (topic, payload, { properties }) => {
      const correlation = properties?.correlationData?.toString('hex') ?? '';
      this.#messages.push({ topic, payload, correlation });
      this.#look();
    });
  }

  static async at(
    url: string,
    station: string,
    operator: TestOperator,
    protocolVersion: 4 | 5 = 5,
  ): Promise<Asker> {
    const client = await connectAsync(url, { protocolVersion, reconnectPeriod: 20 });
    const asker = new Asker(client, station, operator);
    await client.subscribeAsync(`delmonicos/v1/${station}/#`, { qos: 1 });
    return asker;
  }

  close(): Promise<void> {
    return this.#client.endAsync(true);
  }

  /** The first message, also one that came before, whose payload is accepted. */
  async heard<Payload>(topic: string, accepts: (payload: Payload) => boolean = () => true): Promise<Payload> {
    for (;;) {
      for (const one of this.#messages) {
        if (one.topic !== this.full(topic)) continue;
        const payload = JSON.parse(one.payload.toString()) as Payload;
        if (accepts(payload)) return payload;
      }
      await this.#next();
    }
  }

  /** How many have come by now, on topics that begin so. */
  count(topic: string): number {
    return this.#messages.filter((one) => one.topic.startsWith(this.full(topic))).length;
  }

  full(topic: string): string {
    return `delmonicos/v1/${this.station}/${topic}`;
  }

  /** A command as it is published, fresh in every respect unless told otherwise. */
  async signed(command: string, parameters: object = {}, how: HowToAsk = {}): Promise<Uint8Array> {
    const { operator = this.#operator } = how;
    const online = await this.heard<{ challenge?: string }>(
      'status',
      ({ challenge }) => challenge !== undefined,
    );
    const challenge = new Uint8Array(Buffer.from(online.challenge ?? '', 'hex'));
    const fresh = { station: this.station, challenge, nonce: new Uint8Array(randomBytes(16)) };
    const notAfterMs = Date.now() + 60_000;
    return signCommand({ ...fresh, notAfterMs, command, parameters, ...how }, operator);
  }

  async publish(bytes: Uint8Array, options: IClientPublishOptions = {}): Promise<void> {
    await this.#client.publishAsync(this.full('request'), Buffer.from(bytes), { qos: 1, ...options });
  }

  /** Asks, and resolves with the whole answer. */
  async ask(command: string, parameters: object = {}, how: HowToAsk = {}): Promise<Asked> {
    const nonce = new Uint8Array(randomBytes(16));
    const bytes = await this.signed(command, parameters, { nonce, ...how });
    const { responseTopic, correlationData } = how;
    const properties = {
      ...(responseTopic !== undefined && { responseTopic }),
      ...(correlationData !== undefined && { correlationData }),
    };
    await this.publish(bytes, Object.keys(properties).length > 0 ? { properties } : {});
    return await this.answerTo(Buffer.from(how.nonce ?? nonce).toString('hex'));
  }

  /** Every part that answers that nonce, once the last one is there. */
  async answerTo(request: string, isWhole = (part: ResponsePart) => part.last): Promise<Asked> {
    for (;;) {
      const found = this.#messages
        .filter(({ topic }) => topic.startsWith(this.full('response/')))
        .map((one) => ({ ...one, part: JSON.parse(one.payload.toString()) as ResponsePart }))
        .filter(({ part }) => part.request === request);
      if (found.some(({ part }) => isWhole(part)))
        return {
          parts: found.map(({ part }) => part),
          topics: new Set(found.map(({ topic }) => topic)),
          correlation: found.map(({ correlation }) => correlation),
        };
      await this.#next();
    }
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      const before = this.#look;
      this.#look = () => {
        before();
        resolve();
      };
    });
  }
}

/** The result of the last part; a refusal is an error of the test. */
export function resultOf<Result>({ parts }: Asked): Result {
  const last = parts.at(-1);
  if (last?.ok !== true) throw new Error(`refused: ${JSON.stringify(last)}`);
  return last.result as Result;
}

/** Code of a refusal, or of what has come to nothing. */
export function codeOf({ parts }: Asked): string | undefined {
  const last = parts.at(-1);
  return last?.ok === false ? last.error.code : undefined;
}
