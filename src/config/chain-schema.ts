import * as v from 'valibot';
import { DAY_WINDOW_PATTERN, LOW_BALANCE_PATTERN } from './quantity.ts';
import { describe, duration, integer, size } from './schema-fields.ts';

// The section `chain` of station.yaml: which chain, by which call, how often and at what price.

const multiaddresses = (text: string) =>
  v.pipe(
    v.array(
      v.pipe(
        v.string(),
        v.regex(
          /^\/(ip4|ip6|dns|dns4|dns6)\/\S{1,400}$/,
          'must be a multiaddress, such as /dns/boot.example/tcp/443/wss/p2p/12D3KooW...',
        ),
      ),
    ),
    v.minLength(1, 'must name one; without the key those of the specification are asked'),
    v.maxLength(64),
    describe(`Peers to begin with, in place of those in the specification (light-client). ${text}`),
  );
const metadataName = (text: string) =>
  v.pipe(
    v.string(),
    v.regex(/^[A-Za-z][A-Za-z0-9_]{0,127}$/, 'must be a name as it stands in the metadata'),
    describe(text),
  );

/** What of a checkpoint can fill an argument of a pallet's call. */
export const ANCHOR_FIELDS = ['origin', 'size', 'root', 'checkpoint', 'signature'] as const;

/** The journal's kinds of entries (docs/formats). */
export const PUBLISHED_KINDS = [
  'boot',
  'reading',
  'meter-swap',
  'clock-step',
  'config',
  'gap',
  'session-begin',
  'session-end',
  'tariff',
  'fault',
  'command',
] as const;

/** `chain:` as written. */
export const CHAIN = v.strictObject({
  transport: v.pipe(
    v.picklist(['light-client', 'rpc']),
    describe('light-client trusts no server; rpc asks the node at `url`.'),
  ),
  relaySpec: v.optional(
    v.pipe(
      v.string(),
      describe('Chain specification file of the relay chain (light-client); none for a chain of its own.'),
    ),
  ),
  paraSpec: v.optional(
    v.pipe(
      v.string(),
      describe('Chain specification file of the parachain, or of a chain of its own (light-client).'),
    ),
  ),
  url: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^wss?:\/\/\S+$/, 'must be a ws:// or wss:// URL'),
      describe('Node to ask (rpc).'),
    ),
  ),
  bootNodes: v.optional(
    v.strictObject({
      relay: v.optional(multiaddresses('Of the relay chain.')),
      para: v.optional(multiaddresses('Of the parachain.')),
    }),
  ),
  call: v.optional(
    v.pipe(
      v.picklist(['remark', 'pallet']),
      describe(
        'Call that carries a checkpoint: system.remarkWithEvent, or the one of `pallet`. Default: remark.',
      ),
    ),
  ),
  pallet: v.optional(
    v.strictObject({
      name: metadataName("The pallet's name in the chain's metadata."),
      call: metadataName("The call's name in the chain's metadata, such as commit_checkpoint."),
      arguments: v.optional(
        v.pipe(
          v.record(
            v.string(),
            v.picklist(ANCHOR_FIELDS, `must be what of a checkpoint fills it: ${ANCHOR_FIELDS.join(', ')}`),
          ),
          describe(
            'What fills each argument of the call. Default: an argument is filled from the field of its name.',
          ),
        ),
      ),
    }),
  ),
  callIndex: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^0x[0-9a-f]{4}$/, 'must be 0x and four hexadecimal digits'),
      describe(
        'Pallet and call index that the station may sign. Default: where System.remark_with_event is known to stand.',
      ),
    ),
  ),
  genesisHash: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^0x[0-9a-f]{64}$/, 'must be 0x and 64 hexadecimal digits'),
      describe('Sign for this chain only. Without it the first chain that was used is kept.'),
    ),
  ),
  anchorEvery: v.optional(
    duration('How often a checkpoint is anchored while the journal grows. Default: 1h.'),
  ),
  maxAge: v.optional(
    duration(
      'No entry waits longer than this to be anchored, also when too few wait (minBacklog). Default: 24h, or anchorEvery if that is longer.',
    ),
  ),
  minBacklog: v.optional(
    integer(1, 1_000_000_000, 'An anchor waits until so many entries do, or until maxAge. Default: 1.'),
  ),
  metered: v.optional(
    v.strictObject({
      windows: v.optional(
        v.pipe(
          v.array(
            v.pipe(
              v.string(),
              v.regex(DAY_WINDOW_PATTERN, 'must be a time of day and another, such as "01:00-05:00"'),
            ),
          ),
          v.minLength(1, 'must name a window; without the key the time of day does not matter'),
          v.maxLength(24, 'must be at most 24 windows'),
          describe(
            'When the link may be used, by the local time of the station: "22:00-06:00" goes over midnight. Not heeded while the clock is not synchronised.',
          ),
        ),
      ),
      bytesPerDay: v.optional(
        size('What the link may carry in 24 hours, both ways together: 5MiB. Default: no bound.'),
      ),
    }),
  ),
  publish: v.optional(
    v.pipe(
      v.array(v.picklist(PUBLISHED_KINDS, `must be a kind of entry: ${PUBLISHED_KINDS.join(', ')}`)),
      v.minLength(1, 'must name a kind of entry; without the key nothing is published'),
      describe(
        'Kinds of entries that are put on chain in full, for everybody to read and for ever. Readings and sessions are personal data. Default: none.',
      ),
    ),
  ),
  maxFee: v.optional(
    v.pipe(
      v.string('must be text: put it in quotes'),
      v.regex(/^[1-9]\d{0,38}$/, 'must be an amount in the smallest unit, such as "5000000000"'),
      describe(
        'An extrinsic that costs more is not signed. In the smallest unit of the chain. Default: no bound.',
      ),
    ),
  ),
  lowBalance: v.optional(
    v.pipe(
      v.string('must be text: put it in quotes'),
      v.regex(
        LOW_BALANCE_PATTERN,
        'must be a number of anchors, such as "100 anchors", or an amount in the smallest unit, such as "5000000000"',
      ),
      describe(
        'A balance below this is an alert: an amount in the smallest unit of the chain, or a number of anchors at the last cost. Default: 100 anchors.',
      ),
    ),
  ),
  ss58Prefix: v.optional(integer(0, 16383, 'SS58 address format of the chain account. Default: 42.')),
});
