export { entriesOverDesk, type EntriesOverDesk } from './ask/entries-over-desk.ts';
export { StationAsker, type AskEvent, type AskOptions, type AskWait } from './ask/ask-station.ts';
export { findStation, type FindOptions, type OnlineStatus, type StationSeat } from './ask/find-station.ts';
export type { EntriesHeard, EntriesLink, EntriesRequest } from './backfill/entries-link.ts';
export { BackfillError, type BackfillErrorCode } from './backfill/errors.ts';
export {
  fetchEntries,
  type FetchOptions,
  type FetchProgress,
  type FetchResult,
  type TrustedStation,
} from './backfill/fetch-entries.ts';
export type {
  BrokerDesk,
  DeskMessage,
  DeskOptions,
  DeskPorts,
  DeskPublish,
  DeskState,
  DeskSubscription,
  SubscribeOptions,
} from './desk/desk.ts';
export { DEFAULT_DESK_LIMITS, type DeskLimits } from './desk/desk-limits.ts';
export { openDesk } from './desk/open-desk.ts';
export { fitsFilter } from './desk/topic-filter.ts';
export { FleetError, type FleetErrorCode } from './errors.ts';
export {
  documentOf,
  fleetDocument,
  isGood,
  newsOf,
  stationDocument,
  summaryDocument,
} from './view/documents.ts';
export { deskNowMs, FleetFeed, type FeedDesk, type Heard } from './view/fleet-feed.ts';
export { Fleet, type Malformed, type Received } from './view/model/fleet.ts';
export type { FleetMessage } from './view/model/fleet-message.ts';
export { inOrder, troubleOf, type Totals, type Trouble } from './view/model/trouble.ts';
export { keysOf, type Key } from './view/panel/keys.ts';
export { Panel } from './view/panel/panel.ts';
export { fleetTable, totalsLine, type LinkView, type Size } from './view/screen/fleet-screen.ts';
export { painted, type Line, type Paint } from './view/screen/lines.ts';
export { stationPage, type StationView } from './view/screen/station-screen.ts';
