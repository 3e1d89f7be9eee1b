import type { Fleet, FleetFeed, FleetMessage, Received } from '../../fleet/index.ts';

/** What each way of looking at a fleet needs. */
export interface TopView {
  readonly fleet: Fleet;
  readonly feed: FleetFeed;
  /** The station of --station; null: the whole fleet. */
  readonly station: string | null;
  readonly json: boolean;
  readonly nowMs: () => number;
  /** Hears of each message once it was taken in. */
  readonly onHeard: (listener: (message: FleetMessage, received: Received) => void) => void;
  /** Hears when the link comes, goes or is refused. */
  readonly onLink: (listener: () => void) => void;
}
