import { DevnetError } from '../errors.ts';

/**
 * What lies between clients and everything of this network that they can reach: one modem, shared by all connections.
 * Each field is changed while connections are open.
 */
export interface Link {
  /** In each direction, of all connections together; null: no limit. */
  readonly bitsPerSecond: number | null;
  /** From one end to the other, in each direction: a round trip takes twice as long. */
  readonly delayMs: number;
  /** Of the segments of at most 1,460 bytes that are lost, and sent again after a time-out. */
  readonly lossPercent: number;
  /** A connection is reset once it has carried this many bytes, both directions together; null: never. */
  readonly cutAfterBytes: number | null;
}

/** As if there were nothing in between. */
export const OPEN_LINK: Link = { bitsPerSecond: null, delayMs: 0, lossPercent: 0, cutAfterBytes: null };

/** Bytes of TCP payload: what the ends wrote, without headers of TCP and IP. */
export interface ByteCount {
  /** From the client to the network. */
  readonly up: number;
  /** From the network to the client. */
  readonly down: number;
}

export interface ConnectionBytes extends ByteCount {
  readonly id: number;
  /** What was connected to. */
  readonly to: string;
  readonly open: boolean;
}

export interface LinkBytes extends ByteCount {
  /** Sent once more, in either direction, because they were lost. Not part of the sums. */
  readonly repeated: number;
  /** The last 256, oldest first. The sums are of all there ever were. */
  readonly connections: readonly ConnectionBytes[];
}

/** @throws DevnetError `devnet.bad_input` when a name or a value is none of a link's */
export function checkLink(link: Partial<Link>): void {
  for (const [name, value] of Object.entries(link) as [string, unknown][]) {
    if (!Object.hasOwn(OPEN_LINK, name)) throw new DevnetError('devnet.bad_input', `a link has no "${name}"`);
    const [least, most] = RANGES[name as keyof Link];
    const isNone = value === null && OPEN_LINK[name as keyof Link] === null;
    const isInRange = typeof value === 'number' && value >= least && value <= most;
    if (isNone || isInRange) continue;
    throw new DevnetError('devnet.bad_input', `${name} is ${least} to ${most}, not ${String(value)}`);
  }
}

const RANGES: Readonly<Record<keyof Link, readonly [number, number]>> = {
  bitsPerSecond: [100, 10 ** 12],
  delayMs: [0, 60_000],
  lossPercent: [0, 90],
  cutAfterBytes: [0, Number.MAX_SAFE_INTEGER],
};
