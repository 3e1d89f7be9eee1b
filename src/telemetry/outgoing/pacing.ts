import { FILLED_PER_DAY, SHARE } from './daily-budget.ts';

/** TCP and IPv4 headers with time stamps: 20 + 20 + 12 bytes (RFC 791, RFC 9293, RFC 7323). IPv6 adds 20 to each segment. */
export const SEGMENT_BYTES = 52;
/** What TLS adds to a record: 5 of header, 8 + 16 of an AEAD (TLS 1.2, AES-GCM; TLS 1.3 takes 7 less). */
export const RECORD_BYTES = 29;
/** Segments of a packet that is answered: itself, its answer, and the acknowledgement of that. */
const SEGMENTS_PER_EXCHANGE = 3;
/** PUBACK, or PINGREQ and PINGRESP. */
const MQTT_ANSWER_BYTES = 4;

const DAY_MS = 86_400_000;

/** What sending a packet of so many MQTT bytes costs, with its answer; an estimate that what the sockets count sets right. */
export function exchangeBytes(packetBytes: number, tls: boolean): number {
  const records = tls ? 2 * RECORD_BYTES : 0;
  return packetBytes + MQTT_ANSWER_BYTES + SEGMENTS_PER_EXCHANGE * SEGMENT_BYTES + records;
}

const KEEP_ALIVE_MIN_MS = 30_000;
/** Routers of mobile networks forget a silent TCP connection after five minutes and more; a minute stays for the way. */
const KEEP_ALIVE_MAX_MS = 240_000;
const KEEP_ALIVE_STEP_MS = 10_000;
/** Of the budget, when nothing else is sent. */
const KEEP_ALIVE_SHARE = 1 / 20;

/**
 * How long the station may be silent before it says so: the shortest interval at which the pings of a silent day cost a twentieth
 * of the budget, from 30 s (unlimited, or 10 MB a day and more) to four minutes. Pure.
 */
export function keepAliveMs(bytesPerDay: number | null, tls: boolean): number {
  if (bytesPerDay === null) return KEEP_ALIVE_MIN_MS;
  const pings = Math.max(1, (bytesPerDay * KEEP_ALIVE_SHARE) / exchangeBytes(2, tls));
  const interval = Math.ceil(DAY_MS / pings / KEEP_ALIVE_STEP_MS) * KEEP_ALIVE_STEP_MS;
  return Math.min(Math.max(interval, KEEP_ALIVE_MIN_MS), KEEP_ALIVE_MAX_MS);
}

const FIGURES_MIN_MS = 5_000;
const FIGURES_MAX_MS = 6 * 3_600_000;
/** Of the figures' share; the rest is for news, and for a session that begins. */
const RENEWED_SHARE = 3 / 4;

/**
 * How often figures of the retained documents are renewed: every 5 s without a budget; otherwise as often as three quarters of
 * their share allow, at least every six hours. `bytesPerRound` is what one renewal of all of them costs on the wire. Pure.
 */
export function figuresIntervalMs(bytesPerDay: number | null, bytesPerRound: number): number {
  if (bytesPerDay === null) return FIGURES_MIN_MS;
  const rounds = (bytesPerDay * FILLED_PER_DAY * SHARE.figures * RENEWED_SHARE) / Math.max(1, bytesPerRound);
  return Math.min(Math.max(DAY_MS / Math.max(rounds, 1e-9), FIGURES_MIN_MS), FIGURES_MAX_MS);
}

/** Fewer messages of a meter are no live view any more. */
export const USEFUL_SAMPLES_PER_DAY = 24;

/** Whether the budget has room for a sample of each meter every hour, beside figures, while nobody asks for anything. Pure. */
export function isUseful(bytesPerDay: number | null, bytesPerSampleOfAllMeters: number): boolean {
  if (bytesPerDay === null) return true;
  return (
    bytesPerSampleOfAllMeters * USEFUL_SAMPLES_PER_DAY <= bytesPerDay * FILLED_PER_DAY * (1 - SHARE.figures)
  );
}
