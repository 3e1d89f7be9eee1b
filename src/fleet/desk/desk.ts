import type { MonotonicClock } from '../../../hal/contract/index.ts';
import type { CredentialFiles } from '../../telemetry/index.ts';
import type { FleetError } from '../errors.ts';
import type { DeskLimits } from './desk-limits.ts';

export interface DeskOptions {
  /** `mqtt://host[:port]` or `mqtts://host[:port]`. */
  readonly url: string;
  readonly credentials?: CredentialFiles;
  /** Instead of a file with it: from the environment, never from a command line that everybody can list. */
  readonly password?: string;
  /** Name that the broker's certificate must carry; default: the host of the URL. */
  readonly serverName?: string;
  /** Default: `delmonicos-desk-` and 16 random digits, so that two desks never end each other's session. */
  readonly clientId?: string;
  readonly limits?: Partial<DeskLimits>;
}

export interface DeskPorts {
  readonly clock: MonotonicClock;
  /** Uniform in [0, 1); spreads reconnects. */
  readonly random: () => number;
}

/** What came in. Nobody is believed for having got it through the broker. */
export interface DeskMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** It lay at the broker when the subscription was made. */
  readonly retained: boolean;
  /** MQTT 5 only. */
  readonly correlationData?: Uint8Array;
}

export interface DeskPublish {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** MQTT 5 only: where an answer is wanted, and what is to come back with it. */
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  readonly contentType?: string;
  /** MQTT 5 only: whole seconds after which the broker need not hand it on any more. */
  readonly expirySeconds?: number;
}

export interface DeskSubscription {
  /** Nothing more is delivered once it was called; resolves when the broker was told, or needs not to be. Never rejects. */
  end(): Promise<void>;
}

export interface SubscribeOptions {
  /** Default 1: what the broker took is delivered, perhaps twice. */
  readonly qos?: 0 | 1;
  /** A session that was opened later does not grant it any more. */
  readonly onRefused?: (error: FleetError) => void;
}

export interface DeskState {
  readonly connected: boolean;
  /** Of this session, or of the next attempt. */
  readonly protocolVersion: '5' | '3.1.1';
  /** Sessions opened so far. */
  readonly sessions: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Why there is no session, while there is none. */
  readonly failure?: FleetError;
}

/**
 * One seat at a broker: it connects by itself, again and again with growing pauses, and subscribes anew to what was
 * subscribed to. Messages come to their handlers one after another, on the caller's thread; nothing is queued here.
 */
export interface BrokerDesk {
  /** Resolves when there is a session; rejects with the FleetError of the next attempt that fails, or when it is closed. */
  connected(): Promise<void>;
  state(): DeskState;
  /** Called when a session begins or ends, or an attempt fails; returns the function that ends it. */
  onChange(listener: () => void): () => void;
  /**
   * Resolves when the broker has agreed; without a session it waits for one. Messages may come before. A message that
   * fits two filters may come twice to each, as with QoS 1 every message may. `onMessage` must not throw.
   * Rejects with `fleet.not_allowed` (the subscription is over then), `fleet.not_connected` when the desk is closed.
   */
  subscribe(
    filter: string,
    onMessage: (message: DeskMessage) => void,
    options?: SubscribeOptions,
  ): Promise<DeskSubscription>;
  /**
   * At QoS 1, not retained. `heard`: false when the broker says that nobody subscribes to it (MQTT 5, and not every broker).
   * Rejects with `fleet.not_connected` (effect none), `fleet.not_allowed`, `fleet.refused`, and with why the session ended
   * before the broker had acknowledged it (effect unknown).
   */
  publish(message: DeskPublish): Promise<{ readonly heard: boolean }>;
  /** Says goodbye and closes. Safe to call twice; never rejects. */
  close(): Promise<void>;
}
