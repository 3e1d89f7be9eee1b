/** Every bound of telemetry, with its unit. What happens at each bound is told in docs/telemetry.md. */
export interface TelemetryLimits {
  /** Samples held in memory, waiting or in flight; the oldest waiting one is dropped for a new one. */
  readonly maxSamples: number;
  /** Bytes of payload that those samples may hold together. */
  readonly maxSampleBytes: number;
  /** Answers to what was asked, waiting or in flight; at the bound whoever makes them waits. */
  readonly maxReplies: number;
  readonly maxReplyBytes: number;
  /** Chunks of journal entries, waiting or in flight; as of answers. */
  readonly maxBackfill: number;
  readonly maxBackfillBytes: number;
  /** Lines of the log, and as many changes of health, waiting or in flight; the oldest waiting one is dropped for a new one. */
  readonly maxNotes: number;
  readonly maxNoteBytes: number;
  /** While there is no session, a window of readings is closed after so long. */
  readonly windowMs: number;
  /** Values in all closed windows; at the bound neighbours become one. */
  readonly maxHistoryValues: number;
  /** Distinct retained topics; only the latest document of each is held. */
  readonly maxStates: number;
  /** Largest document taken, in bytes of JSON; a larger one is refused and reported. */
  readonly maxPayloadBytes: number;
  /** Messages sent and not yet acknowledged by the broker. */
  readonly maxInFlight: number;
  /** Largest packet accepted from a broker, in bytes; a larger one ends the connection before it is read. */
  readonly maxInboundBytes: number;
  /** Packets that are read from a broker at once, and then in each second; a message counts for 20 of them. The rest waits in the network. */
  readonly maxInboundBurst: number;
  readonly maxInboundPerSecond: number;
  /** A sample that could not be delivered for so long is dropped, here or (MQTT 5) at the broker. */
  readonly sampleExpiryMs: number;
  /** Nobody waits longer for an answer. */
  readonly replyExpiryMs: number;
  /** The broker publishes the last will after 1.5 times this silence (MQTT 5 §3.1.2.10). With a budget, the budget says (pacing.ts). */
  readonly keepAliveMs: number;
  /** Nobody watches each sample for longer at once. */
  readonly maxWatchMs: number;
  /** From the first packet to the accepted session: name lookup, TCP, TLS and CONNACK. */
  readonly connectTimeoutMs: number;
  /** A message unacknowledged for so long ends the connection. */
  readonly acknowledgeTimeoutMs: number;
  /** First and longest pause between two attempts to connect, before jitter. */
  readonly reconnectMinMs: number;
  readonly reconnectMaxMs: number;
  /** Where the day's budget is overdrawn, an attempt to connect waits for it, but no longer than this. */
  readonly reconnectDebtMs: number;
  /** How long `close()` tries to deliver what waits and to say goodbye. */
  readonly closeTimeoutMs: number;
}

export const DEFAULT_LIMITS: TelemetryLimits = {
  maxSamples: 600, // ten minutes of one meter at one sample a second
  maxSampleBytes: 512 * 1024,
  maxReplies: 16,
  maxReplyBytes: 128 * 1024,
  maxBackfill: 8,
  maxBackfillBytes: 64 * 1024,
  maxNotes: 200,
  maxNoteBytes: 64 * 1024,
  windowMs: 300_000,
  maxHistoryValues: 4_000, // about 1.5 MB
  maxStates: 256,
  maxPayloadBytes: 16 * 1024, // forty values take 3 KiB
  maxInFlight: 16,
  maxInboundBytes: 8 * 1024, // CONNACK and acknowledgements are the only packets expected, and small
  maxInboundBurst: 2_000, // what acknowledges all samples that can wait, or a hundred messages
  maxInboundPerSecond: 500,
  sampleExpiryMs: 3_600_000,
  replyExpiryMs: 120_000,
  keepAliveMs: 30_000,
  maxWatchMs: 600_000,
  connectTimeoutMs: 20_000,
  acknowledgeTimeoutMs: 30_000,
  reconnectMinMs: 1_000,
  reconnectMaxMs: 60_000,
  reconnectDebtMs: 900_000,
  closeTimeoutMs: 2_000,
};
