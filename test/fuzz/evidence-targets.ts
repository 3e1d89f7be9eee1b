import { readdirSync, readFileSync } from 'node:fs';
import { decodeVector } from '../../hal/driver/modbus/index.ts';
import { checkProfile } from '../../hal/profile/index.ts';
import {
  coreMessageSchema,
  gatewayMessageSchema,
  OPERATIONS,
  PROTOCOL_VERSION,
} from '../../src/chain/protocol.ts';
import { ConfigError, parseStationConfig } from '../../src/config/index.ts';
import { decodeCbor } from '../../src/journal/entry/cbor-field.ts';
import {
  decodeEntry,
  formatTlogProof,
  JournalError,
  parseCheckpoint,
  parseSignedNote,
  parseTlogProof,
} from '../../src/journal/index.ts';
import { verifyReceipt } from '../../src/receipt/index.ts';
import { verifyOcmf } from '../../src/ocmf/index.ts';
import { createInboundGuard } from '../../src/telemetry/session/inbound-guard.ts';
import * as v from 'valibot';
import { checkpointOf, receiptInput, testReceipt, testStation } from '../support/receipt/receipt-fixture.ts';
import { BEGIN, END, hexOf, signed, STATION_KEY } from '../support/receipt/ocmf-session.ts';
import { foundUnless, mustHold, type FuzzTarget } from './fuzz-target.ts';
import { mutateJson } from './mutate.ts';

const MILLION = 1_000_000;
const STATION = testStation();

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const isJournalError = (error: unknown): boolean => error instanceof JournalError;

const entry: FuzzTarget = {
  name: 'cose-entry',
  seeds: STATION.log.slice(0, 3),
  fullRuns: MILLION,
  maxMs: 500,
  run: (input) => foundUnless(isJournalError, () => decodeEntry(input)),
};

const cbor: FuzzTarget = {
  name: 'cbor',
  seeds: [...STATION.log.slice(0, 2), Uint8Array.of(0xa2, 1, 0x82, 2, 3, 4, 0x43, 5, 6, 7)],
  fullRuns: MILLION,
  maxMs: 500,
  // cborg throws plain errors; what it must not do is overflow the stack, take long, or take memory for announced lengths.
  run: (input) =>
    foundUnless(
      (error) => error instanceof Error && !(error instanceof RangeError),
      () => decodeCbor(input, 18),
    ),
};

const checkpoint: FuzzTarget = {
  name: 'checkpoint',
  seeds: [bytesOf(checkpointOf(STATION)), bytesOf(checkpointOf(STATION, 1))],
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    const text = textOf(input);
    foundUnless(isJournalError, () => parseSignedNote(text));
    return foundUnless(isJournalError, () => parseCheckpoint(text));
  },
};

const tlogProof: FuzzTarget = {
  name: 'tlog-proof',
  seeds: receiptInput(STATION, [4, 9], null).entries.map(({ index, inclusionProof }) =>
    bytesOf(formatTlogProof({ index, inclusionProof, checkpoint: checkpointOf(STATION) })),
  ),
  fullRuns: MILLION,
  maxMs: 500,
  run: (input) => foundUnless(isJournalError, () => parseTlogProof(textOf(input))),
};

const GOOD_RECEIPTS = [testReceipt(), testReceipt(STATION, [0], null)];

const receipt: FuzzTarget = {
  name: 'receipt',
  seeds: GOOD_RECEIPTS.map(bytesOf),
  // Good entries are verified with Ed25519, which takes a fraction of a millisecond each.
  fullRuns: 200_000,
  maxMs: 2_000,
  run(input) {
    const trustedKey = STATION.identity.publicKey;
    const { ok } = verifyReceipt(input, { trustedKey });
    // A receipt is canonical: no other bytes say the same. Removing whole entries, or the anchor, may leave a good one.
    mustHold(!ok || isGoodReceipt(input), 'what verifies was made by the station');
    return ok;
  },
  mutate: (seed, random) => {
    const json = JSON.parse(textOf(mutateJson(seed, random))) as unknown;
    return bytesOf(`${JSON.stringify(json, null, 2)}\n`);
  },
};

/** Each entry, proof and anchor of it stands in a receipt that the station made. */
function isGoodReceipt(input: Uint8Array): boolean {
  interface Parts {
    readonly entries: readonly { readonly cose: string; readonly proof: string }[];
    readonly anchor: Readonly<Record<string, unknown>> | null;
  }
  const good = GOOD_RECEIPTS.map((text) => JSON.parse(text) as Parts);
  const { entries, anchor } = JSON.parse(textOf(input)) as Parts;
  const isKnown = ({ cose, proof }: Parts['entries'][number]): boolean =>
    good.some((parts) => parts.entries.some((own) => own.cose === cose && own.proof === proof));
  // What an anchor has optionally may be missing; nothing of it may be other than it was.
  const isKnownAnchor = good.some((parts) =>
    Object.entries(anchor ?? {}).every(
      ([key, value]) => JSON.stringify(parts.anchor?.[key]) === JSON.stringify(value),
    ),
  );
  return entries.every(isKnown) && isKnownAnchor;
}

const OCMF_RECORDS = [signed(BEGIN), signed(END)];
const OCMF_PAYLOADS = new Set(OCMF_RECORDS.map((record) => record.split('|')[1]));

const ocmf: FuzzTarget = {
  name: 'ocmf',
  seeds: [
    ...OCMF_RECORDS,
    OCMF_RECORDS.join('\n'),
    `${OCMF_RECORDS[0] ?? ''}|${hexOf(STATION_KEY.publicKey)}`,
    `<values>${OCMF_RECORDS.map((record) => `<value><signedData><![CDATA[${record}]]></signedData></value>`).join('')}</values>`,
  ].map(bytesOf),
  // Good records are verified with P-256 in TypeScript, some milliseconds each.
  fullRuns: 100_000,
  maxMs: 2_000,
  run(input) {
    const { ok, authentic } = verifyOcmf(input, { publicKey: STATION_KEY.publicKeySpki });
    mustHold(!ok || authentic, 'what is good was signed by the key that was given');
    const text = textOf(input);
    const isKnown = [...OCMF_PAYLOADS].some((payload) => payload !== undefined && text.includes(payload));
    mustHold(!authentic || isKnown || !text.includes('OCMF|'), 'what is signed says what the station said');
    return ok;
  },
};

const MODELS = new URL('../../hal/profile/models/', import.meta.url);

const profile: FuzzTarget = {
  name: 'profile',
  seeds: readdirSync(MODELS)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => new Uint8Array(readFileSync(new URL(file, MODELS)))),
  // A profile is some kilobytes of YAML: milliseconds each.
  fullRuns: 20_000,
  maxMs: 5_000,
  run: (input) => checkProfile(textOf(input), decodeVector).ok,
};

const EXAMPLE = new URL('../../docs/example-station.yaml', import.meta.url);

const config: FuzzTarget = {
  name: 'station-config',
  seeds: [
    new Uint8Array(readFileSync(EXAMPLE)),
    bytesOf('station: { name: A }\nlines: [{ id: l, tcp: "h:502" }]\nmeters: []\n'),
  ],
  fullRuns: 100_000,
  maxMs: 2_000,
  run: (input) =>
    foundUnless(
      (error) => error instanceof ConfigError,
      () => parseStationConfig(textOf(input)),
    ),
};

const HASH = `0x${'ab'.repeat(32)}`;
const BLOCK = { number: 7, hash: HASH };
const MESSAGES: readonly object[] = [
  { v: PROTOCOL_VERSION, kind: 'ready' },
  {
    v: PROTOCOL_VERSION,
    kind: 'heartbeat',
    pid: 4_711,
    rssBytes: 1_000,
    traffic: { bytesIn: 1, bytesOut: 2 },
  },
  { v: PROTOCOL_VERSION, kind: 'event', event: { type: 'finalized', block: BLOCK } },
  { v: PROTOCOL_VERSION, kind: 'event', event: { type: 'log', level: 'info', source: 'a', message: 'b' } },
  {
    ...{ v: PROTOCOL_VERSION, kind: 'event' },
    event: { type: 'transaction', watch: 1, status: 'in-block', block: BLOCK, detail: '' },
  },
  { v: PROTOCOL_VERSION, kind: 'result', id: 1, result: { finalized: BLOCK, nonce: 3, free: '1000' } },
  {
    ...{ v: PROTOCOL_VERSION, kind: 'failure', id: 2 },
    failure: { code: 'chain.gateway_exited', message: 'm', remedy: 'retry', effect: 'none', hint: null },
  },
  { v: PROTOCOL_VERSION, kind: 'request', id: 1, operation: 'account', params: { publicKey: HASH } },
];

const ipc: FuzzTarget = {
  name: 'gateway-ipc',
  seeds: MESSAGES.map((message) => bytesOf(JSON.stringify(message))),
  fullRuns: MILLION,
  maxMs: 500,
  run(input) {
    let message: unknown;
    try {
      message = JSON.parse(textOf(input));
    } catch {
      // The channel delivers what JSON can say, or nothing.
      return false;
    }
    const result = (message as { result?: unknown } | null)?.result;
    for (const { params, result: schema } of Object.values(OPERATIONS)) {
      v.safeParse(schema, result);
      v.safeParse(params, result);
    }
    return v.is(gatewayMessageSchema, message) || v.is(coreMessageSchema, message);
  },
  mutate: mutateJson,
};

const guard: FuzzTarget = {
  name: 'mqtt-guard',
  seeds: [
    Uint8Array.of(0x20, 3, 0, 0, 0, 0x40, 2, 0, 1, 0xd0, 0, 0xe0, 0),
    Uint8Array.of(0x20, 0x82, 0x01, ...new Uint8Array(130), 0x40, 4, 0, 1, 0, 0),
  ],
  fullRuns: 3 * MILLION,
  maxMs: 200,
  run(input) {
    const whole = createInboundGuard(1_024).inspect(input);
    const byteByByte = createInboundGuard(1_024);
    let cut: string | undefined;
    for (let at = 0; at < input.length && cut === undefined; at++)
      cut = byteByByte.inspect(input.subarray(at, at + 1));
    mustHold(cut === whole, 'cuts change nothing');
    return whole === undefined;
  },
};

/** What comes from disks, networks and people. */
export const EVIDENCE_TARGETS: readonly FuzzTarget[] = [
  ...[entry, cbor, checkpoint, tlogProof, receipt, ocmf, profile, config, ipc, guard],
];
