/** Every bound of a desk, with its unit. */
export interface DeskLimits {
  /** Largest packet but PUBLISH that is accepted: CONNACK and acknowledgements, which are small. */
  readonly maxInboundBytes: number;
  /** Largest PUBLISH that is asked for (MQTT 5 §3.1.2.11.4): the broker leaves out what is larger. */
  readonly maxPublishBytes: number;
  /** Largest PUBLISH that is borne with 3.1.1, which knows no such wish: one that is larger ends the session before it is read. */
  readonly maxOldPublishBytes: number;
  /** From the first packet to the accepted session: name lookup, TCP, TLS and CONNACK. */
  readonly connectTimeoutMs: number;
  /** Without an acknowledgement for so long the session is given up. */
  readonly acknowledgeTimeoutMs: number;
  readonly keepAliveMs: number;
  /** MQTT 5: how long the broker keeps what comes for a desk whose connection broke. */
  readonly sessionExpiryMs: number;
  /** First and longest pause between two attempts to connect, before jitter. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** How long `close()` waits for the broker to end its side. */
  readonly closeTimeoutMs: number;
}

export const DEFAULT_DESK_LIMITS: DeskLimits = {
  maxInboundBytes: 8 * 1024,
  maxPublishBytes: 128 * 1024, // a station sends at most 16 KiB, and may be brought a configuration of 64 KiB
  maxOldPublishBytes: 1024 * 1024,
  connectTimeoutMs: 20_000,
  acknowledgeTimeoutMs: 20_000,
  keepAliveMs: 30_000,
  sessionExpiryMs: 60_000,
  reconnectMinMs: 500,
  reconnectMaxMs: 30_000,
  closeTimeoutMs: 1_000,
};
