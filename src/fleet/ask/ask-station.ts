import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { EnvelopeKey } from '../../identity/index.ts';
import {
  COMMAND_CONTENT_TYPE,
  COMMANDS,
  NONCE_BYTES,
  signCommand,
  type Command,
  type ResponseError,
  type ResponsePart,
} from '../../remote/index.ts';
import { stationPrefix } from '../../telemetry/index.ts';
import type { BrokerDesk, DeskSubscription } from '../desk/desk.ts';
import { aheadOfUs, nobodyListens, refused, silent, takesNone } from './ask-failure.ts';
import type { StationSeat } from './find-station.ts';
import { PartCollector } from './part-collector.ts';

/** What happened on the way, for whoever watches. */
export type AskEvent =
  /** It was signed again relative to the station's time, which is ahead of ours by so much (behind, when negative). */
  | { readonly event: 'clock-differs'; readonly stationAheadMs: number }
  /** It was signed again with the challenge that holds now. */
  | { readonly event: 'challenge-renewed' }
  /** The station does not know the time: its challenge alone said that the command is fresh. */
  | { readonly event: 'expiry-unjudged' };

export interface AskOptions {
  readonly desk: BrokerDesk;
  /** `station.name`. */
  readonly station: string;
  readonly seat: StationSeat;
  /** The operator's. */
  readonly key: EnvelopeKey;
  readonly clock: MonotonicClock;
  /** Milliseconds since 1970. */
  readonly nowWallMs: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly onEvent?: (event: AskEvent) => void;
  /**
   * Whether a command that acts may be signed for a time ahead of ours, because the station says that it is so late there.
   * A command that only reads is, in any case.
   */
  readonly believesStationTime?: boolean;
}

/** How long a signed command is good for: less than the ten minutes that a station bears. */
const VALID_MS = 120_000;
/** Ahead of ours by more than that, a station's time is not believed for a command that acts. */
const MAX_AHEAD_MS = VALID_MS;
/** How long a new challenge may take to come after `remote.stale`. */
const CHALLENGE_WITHIN_MS = 5_000;

export interface AskWait {
  /** Since it was sent, or since the last part of the answer. */
  readonly silenceMs: number;
  /** The parts in order, as soon as their turn has come. Must not throw. */
  readonly onPart?: (result: object) => void;
  /** Ends the waiting; rejects with its reason. The station goes on. */
  readonly signal?: AbortSignal;
}

/** What of a sent command comes in. */
export interface Hearing {
  readonly parts: (parts: readonly ResponsePart[]) => void;
  /** Messages on `entries/<request>/<index>`; not subscribed to without it. */
  readonly chunk?: (index: number, payload: Uint8Array) => void;
}

export interface Sent {
  /** Nonce of the command, hexadecimal. */
  readonly request: string;
  readonly command: Command;
  /** That it carried. */
  readonly challenge: string;
  readonly collector: PartCollector;
  /** Nothing more of it is heard. Never rejects. */
  end(): Promise<void>;
}

/** Asks one station, one command at a time or several. */
export class StationAsker {
  readonly #options: AskOptions;
  #challenge: string | undefined;
  #stationAheadMs = 0;
  readonly #told = new Set<AskEvent['event']>();

  constructor(options: AskOptions) {
    this.#options = options;
  }

  get prefix(): string {
    return stationPrefix(this.#options.station);
  }

  /**
   * The parts of the answer, in order. A command that came too late, or with an old challenge, is signed anew once.
   * Rejects with what the station says, by its code; with `fleet.takes_no_commands`, `fleet.station_offline` (nobody listens
   * there), `fleet.no_answer`, `fleet.incomplete_answer`, and as `BrokerDesk.publish`.
   */
  async ask(command: Command, wait: AskWait): Promise<readonly object[]> {
    const learnt = new Set<string>();
    for (;;) {
      const { results, refusal, sent } = await this.#once(command, wait);
      if (refusal === undefined) return results;
      const isNew = results.length === 0 && !learnt.has(refusal.code);
      if (!isNew || !(await this.learn(refusal, sent))) throw refused(refusal);
      learnt.add(refusal.code);
    }
  }

  /** Signs and publishes it, having subscribed to its answer. Rejects as `ask`. */
  async send(command: Command, hear: Hearing): Promise<Sent> {
    const { desk, station, key, nowWallMs, randomBytes } = this.#options;
    const challenge = this.#challenge ?? this.#options.seat.status.challenge;
    if (challenge === undefined) throw takesNone(station);
    const nonce = randomBytes(NONCE_BYTES);
    const request = Buffer.from(nonce).toString('hex');
    const envelope = signCommand(
      {
        ...{ station, nonce, challenge: Buffer.from(challenge, 'hex') },
        notAfterMs: Math.max(0, nowWallMs() + this.#stationAheadMs + VALID_MS),
        ...{ command: command.name, parameters: command.parameters },
      },
      key,
    );
    // One topic for both versions of MQTT, wherever each side and the broker stand: the nonce is as random as any client level.
    const responseTopic = `${this.prefix}/response/${request}`;
    const collector = new PartCollector(request);
    const subscriptions = [
      await desk.subscribe(responseTopic, ({ payload, correlationData }) => {
        if (correlationData !== undefined && Buffer.compare(correlationData, nonce) !== 0) return;
        const parts = collector.take(payload);
        if (parts.length > 0) hear.parts(parts);
      }),
    ];
    const end = async (): Promise<void> => {
      await Promise.all(subscriptions.map((one) => one.end()));
    };
    try {
      if (hear.chunk !== undefined) subscriptions.push(await this.#chunks(request, hear.chunk));
      const { heard } = await desk.publish({
        topic: `${this.prefix}/request`,
        payload: envelope,
        ...{ responseTopic, correlationData: nonce, contentType: COMMAND_CONTENT_TYPE },
        expirySeconds: VALID_MS / 1_000,
      });
      if (!heard) throw nobodyListens(station);
    } catch (error) {
      await end();
      throw error;
    }
    return { request, command, challenge, collector, end };
  }

  async #chunks(
    request: string,
    chunk: (index: number, payload: Uint8Array) => void,
  ): Promise<DeskSubscription> {
    const above = `${this.prefix}/entries/${request}/`;
    return await this.#options.desk.subscribe(`${above}+`, ({ topic, payload }) => {
      const level = topic.slice(above.length);
      const index = Number(level);
      if (/^\d+$/.test(level) && Number.isSafeInteger(index)) chunk(index, payload);
    });
  }

  /** Whether the command, signed anew with what the refusal says, can be obeyed. */
  async learn(refusal: ResponseError, { command, challenge }: Sent): Promise<boolean> {
    if (refusal.code === 'remote.stale') return await this.#renewChallenge(refusal, challenge);
    if (refusal.code !== 'remote.expired' || refusal.stationTimeMs === undefined) return false;
    const aheadMs = refusal.stationTimeMs - this.#options.nowWallMs();
    const { believesStationTime = false } = this.#options;
    // Whoever holds the broker could say any time, keep the command until then, and deliver it.
    const isRisky = COMMANDS[command.name] === 'act' && aheadMs > MAX_AHEAD_MS;
    if (isRisky && !believesStationTime) throw aheadOfUs(this.#options.station, aheadMs);
    this.#stationAheadMs = aheadMs;
    this.#tell({ event: 'clock-differs', stationAheadMs: aheadMs });
    return true;
  }

  async #renewChallenge({ challenge }: ResponseError, before: string): Promise<boolean> {
    const { seat, clock } = this.#options;
    if (challenge !== undefined && challenge !== before) this.#challenge = challenge;
    else {
      // It stands in `status`, or will in a moment.
      this.#challenge = undefined;
      const over = new AbortController();
      clock.sleep(CHALLENGE_WITHIN_MS, over.signal).then(
        () => over.abort(),
        () => {},
      );
      while (seat.status.challenge === before && !over.signal.aborted)
        await seat.changed(over.signal).catch(() => {});
      over.abort();
      if (seat.status.challenge === before) return false;
    }
    this.#tell({ event: 'challenge-renewed' });
    return true;
  }

  /** The results of all parts, and why the last one refuses. */
  async #once(
    command: Command,
    wait: AskWait,
  ): Promise<{
    readonly results: readonly object[];
    readonly refusal: ResponseError | undefined;
    readonly sent: Sent;
  }> {
    const results: object[] = [];
    const over = new AbortController();
    let isHeard = new AbortController();
    let refusal: ResponseError | undefined;
    const sent = await this.send(command, {
      parts: (parts) => {
        for (const part of parts) {
          this.noteExpiry(part);
          if (part.ok) {
            results.push(part.result);
            wait.onPart?.(part.result);
          } else refusal = part.error;
          if (part.last) over.abort();
        }
        isHeard.abort();
      },
    });
    try {
      while (!over.signal.aborted) {
        isHeard = new AbortController();
        await this.#silence(wait, isHeard.signal, sent.collector);
      }
    } finally {
      await sent.end();
    }
    return { results, refusal, sent };
  }

  noteExpiry(part: ResponsePart): void {
    if (part.expiry === 'unjudged') this.#tell({ event: 'expiry-unjudged' });
  }

  /** Resolves when something was heard. */
  async #silence(
    { silenceMs, signal }: AskWait,
    heard: AbortSignal,
    collector: PartCollector,
  ): Promise<void> {
    const ends = signal === undefined ? heard : AbortSignal.any([heard, signal]);
    const isOver = await this.#options.clock.sleep(silenceMs, ends).then(
      () => true,
      () => false,
    );
    signal?.throwIfAborted();
    if (isOver && !heard.aborted) throw silent(this.#options.station, silenceMs, collector);
  }

  #tell(event: AskEvent): void {
    if (this.#told.has(event.event) && event.event === 'expiry-unjudged') return;
    this.#told.add(event.event);
    this.#options.onEvent?.(event);
  }
}
