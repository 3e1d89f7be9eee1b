// The receipt as a file: one JSON document in one canonical form (docs/formats.cddl, section "Receipt"). The form is
// canonical so that every byte of a file means something: a changed space or a doubled key is no receipt.
import * as v from 'valibot';
import { anchorEvidenceSchema } from '../chain/index.ts';

/**
 * Version 2 adds the OCMF records of a session, version 3 the recipe of an anchor whose call is no remark. What needs neither
 * is written as version 1, which older readers know.
 */
export const RECEIPT_FORMATS = [
  'delmonicos-receipt/v1',
  'delmonicos-receipt/v2',
  'delmonicos-receipt/v3',
] as const;
export const RECEIPT_FILE_SUFFIX = '.receipt.json';

/** What a receipt may hold at most; a hostile one cannot make us work for longer than a second or so. */
export const MAX_ENTRIES = 1000;
export const MAX_RECEIPT_BYTES = 8 * 2 ** 20;
/** 64 KiB of entry, the journal's own limit, in base64. */
const MAX_ENTRY_BASE64 = 4 * Math.ceil((64 * 1024) / 3);
const MAX_PROOF_TEXT = 32 * 1024;
/** A record stands in an entry too, and cannot be larger than one. */
const MAX_OCMF_CHARACTERS = 64 * 1024;
/** One at the begin, one at the end. */
const MAX_OCMF_RECORDS = 2;

const base64 = v.pipe(
  v.string(),
  v.maxLength(MAX_ENTRY_BASE64),
  v.check((text) => Buffer.from(text, 'base64').toString('base64') === text, 'not canonical base64'),
);

const entrySchema = v.strictObject({
  /** The journal entry, a tagged COSE_Sign1 message, in base64 (RFC 4648 §4, padded). */
  cose: base64,
  /** Its C2SP tlog-proof: index, inclusion proof and checkpoint. */
  proof: v.pipe(v.string(), v.maxLength(MAX_PROOF_TEXT)),
});

/**
 * Evidence of an anchor without what only the station claims and nobody can check: how and when it saw the block. Of a recipe
 * for the call the names are its word, the bytes are checked.
 */
const anchorSchema = v.omit(anchorEvidenceSchema, ['via', 'finalizedAtMs']);

const head = {
  origin: v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.regex(/^[^\s+]+$/)),
  /** The station's identity key, Ed25519. */
  publicKey: v.pipe(v.string(), v.regex(/^0x[0-9a-f]{64}$/)),
  entries: v.pipe(v.array(entrySchema), v.minLength(1), v.maxLength(MAX_ENTRIES)),
};
const tail = { anchor: v.nullable(anchorSchema) };
const ocmfRecords = v.pipe(
  v.array(v.pipe(v.string(), v.maxLength(MAX_OCMF_CHARACTERS))),
  v.minLength(1),
  v.maxLength(MAX_OCMF_RECORDS),
);

export const receiptSchema = v.pipe(
  v.variant('format', [
    v.strictObject({ format: v.literal(RECEIPT_FORMATS[0]), ...head, ocmf: v.null(), ...tail }),
    v.strictObject({
      format: v.literal(RECEIPT_FORMATS[1]),
      ...head,
      /** The station's OCMF records of the session, begin first, for tools that read OCMF. They stand in the entries too. */
      ocmf: ocmfRecords,
      ...tail,
    }),
    v.strictObject({
      format: v.literal(RECEIPT_FORMATS[2]),
      ...head,
      ocmf: v.nullable(ocmfRecords),
      ...tail,
    }),
  ]),
  v.check(
    ({ format, anchor }) => (format === RECEIPT_FORMATS[2]) === (anchor?.call !== undefined),
    'version 3 is what has a recipe for the call of its anchor, and nothing else',
  ),
);

export type Receipt = Readonly<v.InferOutput<typeof receiptSchema>>;
export type ReceiptEntry = Receipt['entries'][number];
export type ReceiptAnchor = NonNullable<Receipt['anchor']>;

/** The bytes of the file: keys in the order of the schema, two spaces, a newline at the end. */
export function formatReceipt(receipt: Receipt): string {
  return `${JSON.stringify(v.parse(receiptSchema, receipt), null, 2)}\n`;
}

/** Total: hostile input of any kind gives the reason why it is no receipt. */
export function parseReceipt(file: Uint8Array | string): Receipt | { readonly why: string } {
  if (file.length > MAX_RECEIPT_BYTES) return { why: `larger than ${MAX_RECEIPT_BYTES} bytes` };
  let text: string;
  let json: unknown;
  try {
    text =
      typeof file === 'string'
        ? file
        : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(file);
    json = JSON.parse(text);
  } catch {
    return { why: 'not JSON in UTF-8' };
  }
  const parsed = v.safeParse(receiptSchema, json, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return { why: `${v.getDotPath(issue) ?? 'the document'}: ${issue.message.slice(0, 200)}` };
  }
  if (formatReceipt(parsed.output) !== text) {
    return {
      why: 'not written in the canonical form: spaces, order of keys, doubled keys or escapes differ',
    };
  }
  return parsed.output;
}
