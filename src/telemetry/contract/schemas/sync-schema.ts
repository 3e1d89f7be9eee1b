import * as v from 'valibot';
import { added, code, count, flag, integerText, milliseconds, text } from './fields.ts';

const TRAFFIC = v.nullable(
  v.object({ bytesIn: count("On the gateway's sockets"), bytesOut: count("On the gateway's sockets") }),
);

const BLOCK_HASH = v.pipe(v.string(), v.regex(/^0x[0-9a-f]{64}$/), v.description('Hash of that block'));

const LAST_ANCHOR = v.object({
  size: count('Entries that it covers'),
  root: v.pipe(
    v.string(),
    v.regex(/^(0x)?[0-9a-f]{64}$/),
    v.description('Their RFC 6962 root hash; hexadecimal. Version 0.1.0 wrote `0x` in front of it.'),
  ),
  via: v.picklist(['light-client', 'rpc']),
  block: count('Number of the finalized block that it is in'),
  blockHash: BLOCK_HASH,
  time: added(
    v.nullable(
      count('When that block was made, by the chain; ms since 1970 UTC. null: the link did not say'),
    ),
  ),
});

/** `sync`. */
export const SYNC_DOCUMENT = v.object({
  outbox: v.pipe(v.record(v.string(), count('How many')), v.description('Open intents by their state')),
  lastAnchor: v.nullable(LAST_ANCHOR),
  failure: v.nullable(code('What keeps the chain from being reached, while it does')),
  transport: v.picklist(['light-client', 'rpc']),
  states: v.pipe(
    v.array(v.string()),
    v.description('As `sync status` names them (docs/sync.md), what matters most first'),
  ),
  stage: v.nullable(text("How far the gateway's link is; null: there is no gateway")),
  peers: v.nullable(count('Of the parachain')),
  relayPeers: v.nullable(count('Of its relay chain')),
  finalized: v.nullable(
    v.object({
      block: count('Highest finalized block that was seen'),
      ageMs: milliseconds('How long before this document it was new'),
    }),
  ),
  gateway: v.nullable(v.object({ rssBytes: count('Resident memory of the gateway') })),
  traffic: v.object({ session: TRAFFIC, last: TRAFFIC, today: TRAFFIC }),
  cost: v.nullable(integerText("Paid for the last anchor, in the chain's smallest unit")),
  balance: v.object({
    free: v.nullable(integerText("In the chain's smallest unit")),
    low: flag('Below what is warned of'),
  }),
  heldBy: v.nullable(text('`backlog`, `window` or `bytes`, while the policy holds an anchor back')),
  faults: v.pipe(v.array(code('Raised')), v.description('Faults of syncing that are raised')),
  advice: added(v.nullable(text('What to do about the first of `states`, where somebody must'))),
});
