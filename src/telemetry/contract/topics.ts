/** Version 1 of the contract in docs/telemetry.md. A change that breaks a reader makes a new root. */
export const TOPIC_ROOT = 'delmonicos/v1';

/** How a topic is published. Expiry: MQTT 5 message expiry; `never` for what a late subscriber must always find. */
export interface TopicRule {
  /** Below the station's prefix; `<meter>` and `<line>` stand for an encoded id, the rest is told in docs/telemetry.md. */
  readonly pattern: string;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly expiry: 'never' | 'sample' | 'reply';
  readonly holds: string;
}

/** The whole contract: nothing is published elsewhere, but for what announces a station to Home Assistant. docs/telemetry.md repeats it, checked by a test. */
export const TOPICS = {
  status: rule('status', true, 'birth (online) and last will or goodbye (offline)'),
  state: rule('state', true, 'uptime, clock, configuration, memory, telemetry figures'),
  journal: rule('journal', true, 'size, root and backlog of the journal'),
  sync: rule('sync', true, 'outbox and last anchor'),
  health: rule('health', true, 'what is wrong and what is well, worst first'),
  configResult: rule('config/result', true, 'what became of the last signed configuration that was brought'),
  meterStatus: rule('meters/<meter>/status', true, 'what a meter is and whether it answers'),
  meterSample: { ...rule('meters/<meter>/sample', false, 'one reading of one meter'), expiry: 'sample' },
  meterHistory: {
    ...rule('meters/<meter>/history', false, 'readings of an outage, put together, as a sample is'),
    expiry: 'sample',
  },
  lineStatus: rule('lines/<line>/status', true, 'requests, errors by kind and latency of a line'),
  healthChange: { ...rule('health/change', false, 'a fault is raised or cleared'), expiry: 'sample' },
  log: { ...rule('log', false, 'one line of the log'), expiry: 'sample' },
  response: { ...rule('response/<client>', false, 'a part of the answer to a command'), expiry: 'reply' },
  entries: {
    ...rule('entries/<request>/<index>', false, 'journal entries from that index on, as they are signed'),
    expiry: 'reply',
  },
} as const satisfies Record<string, TopicRule>;

/** What a station listens to: configurations where keys of an OEM are installed, the rest where there are operators. */
export const LISTENED = {
  configuration: { topic: 'config/set', maxPayloadBytes: 65_536 },
  request: { topic: 'request', maxPayloadBytes: 4_096 },
  credit: { topic: 'credit', maxPayloadBytes: 256 },
} as const;

/** Retained topics that the station publishes through `publishState`; `status` belongs to telemetry itself. */
export type StateTopic =
  | 'state'
  | 'journal'
  | 'sync'
  | 'health'
  | 'config/result'
  | `meters/${string}/status`
  | `lines/${string}/status`;

/** What is said once, and kept by nobody. */
export type NoteTopic = 'log' | 'health/change';

/** Below `response/` one level names whom it is for; below `entries/` the request and the index of the first entry. */
export type ReplyTopic = `response/${string}` | `entries/${string}/${number}`;

function rule(pattern: string, retain: boolean, holds: string): TopicRule {
  return { pattern, qos: 1, retain, expiry: 'never', holds };
}

/**
 * A name as one topic level: what is not an unreserved character of RFC 3986 §2.3 is percent-encoded, so that no name
 * can add a level (`/`), a wildcard (`+`, `#`) or a NUL to a topic. Names of letters, digits, `-`, `.`, `_` stay as they are.
 * @throws RangeError for an empty name or one with a lone surrogate.
 */
export function encodeLevel(name: string): string {
  if (name === '' || /\p{Surrogate}/u.test(name))
    throw new RangeError('a topic level needs well-formed text');
  const hex = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
  return encodeURIComponent(name).replace(/[!'()*]/g, hex);
}

/** Inverse of `encodeLevel`. @throws URIError when the level is not percent-encoded UTF-8. */
export function decodeLevel(level: string): string {
  return decodeURIComponent(level);
}

/** `delmonicos/v1/<station>`. */
export function stationPrefix(stationName: string): string {
  return `${TOPIC_ROOT}/${encodeLevel(stationName)}`;
}

export function statusTopic(prefix: string): string {
  return `${prefix}/${TOPICS.status.pattern}`;
}

export function sampleTopic(prefix: string, meterId: string): string {
  return `${prefix}/${TOPICS.meterSample.pattern.replace('<meter>', encodeLevel(meterId))}`;
}

export function historyTopic(prefix: string, meterId: string): string {
  return `${prefix}/${TOPICS.meterHistory.pattern.replace('<meter>', encodeLevel(meterId))}`;
}

export function noteTopic(prefix: string, topic: NoteTopic): string {
  return `${prefix}/${topic}`;
}

/** @throws RangeError for a level that is empty or adds a level or a wildcard */
export function replyTopic(prefix: string, topic: ReplyTopic): string {
  if (!/^(response\/[^/+#\0]+|entries\/[^/+#\0]+\/\d+)$/.test(topic))
    throw new RangeError(`not a topic of an answer: "${topic}"`);
  return `${prefix}/${topic}`;
}

/**
 * The full topic of a state document. The meter id in `meters/<id>/status` is given plain and encoded here.
 * @throws RangeError for a topic that is not in the contract.
 */
export function stateTopic(prefix: string, topic: StateTopic): string {
  const [, kind, id] = /^(meters|lines)\/(.+)\/status$/s.exec(topic) ?? [];
  if (kind !== undefined && id !== undefined) return `${prefix}/${kind}/${encodeLevel(id)}/status`;
  if (
    topic === 'state' ||
    topic === 'journal' ||
    topic === 'sync' ||
    topic === 'health' ||
    topic === 'config/result'
  )
    return `${prefix}/${topic}`;
  throw new RangeError(`not a state topic of the telemetry contract: "${topic}"`);
}
