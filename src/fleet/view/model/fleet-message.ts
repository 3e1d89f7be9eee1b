import { decodeLevel, TOPIC_ROOT } from '../../../telemetry/index.ts';

/** One message as it came from the broker. */
export interface FleetMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** True for what the broker kept and says again: when it was new is not known. */
  readonly retained: boolean;
  /** When it arrived: milliseconds since 1970 of a clock at the desk that does not jump. */
  readonly atMs: number;
}

/** What a message speaks of. `ignored`: a topic that is for others, or of a later version. */
export type Subject =
  | {
      readonly kind:
        | 'status'
        | 'state'
        | 'journal'
        | 'sync'
        | 'health'
        | 'configResult'
        | 'healthChange'
        | 'log'
        | 'ignored';
    }
  | { readonly kind: 'meterStatus' | 'meterSample' | 'lineStatus'; readonly id: string };

export interface Addressed {
  /** Name of the station, plain. */
  readonly station: string;
  readonly subject: Subject;
}

const PLAIN: Readonly<Record<string, Subject>> = {
  status: { kind: 'status' },
  state: { kind: 'state' },
  journal: { kind: 'journal' },
  sync: { kind: 'sync' },
  health: { kind: 'health' },
  'config/result': { kind: 'configResult' },
  'health/change': { kind: 'healthChange' },
  log: { kind: 'log' },
};
const NAMED = {
  'meters/status': 'meterStatus',
  'meters/sample': 'meterSample',
  // Readings of an outage, in the same words.
  'meters/history': 'meterSample',
  'lines/status': 'lineStatus',
} as const;
const MAX_TOPIC = 512;
const MAX_NAME = 128;

/** Reads a topic of docs/telemetry.md; undefined for one that no station has. */
export function addressOf(topic: string): Addressed | undefined {
  if (topic.length > MAX_TOPIC || !topic.startsWith(`${TOPIC_ROOT}/`)) return undefined;
  const [level = '', ...below] = topic.slice(TOPIC_ROOT.length + 1).split('/');
  const station = nameOf(level);
  if (station === undefined || below.length === 0) return undefined;
  const plain = Object.hasOwn(PLAIN, below.join('/')) ? PLAIN[below.join('/')] : undefined;
  if (plain !== undefined) return { station, subject: plain };
  const [group, id = '', what] = below;
  const kind = `${group}/${what}`;
  if (below.length !== 3 || !isNamed(kind)) return { station, subject: { kind: 'ignored' } };
  const name = nameOf(id);
  return name === undefined ? undefined : { station, subject: { kind: NAMED[kind], id: name } };
}

function isNamed(kind: string): kind is keyof typeof NAMED {
  return Object.hasOwn(NAMED, kind);
}

function nameOf(level: string): string | undefined {
  try {
    const name = decodeLevel(level);
    return name === '' || name.length > MAX_NAME ? undefined : ownCopy(name);
  } catch {
    return undefined;
  }
}

/** A slice keeps the whole of its text in memory: what is kept for long is copied. */
export function ownCopy(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}
