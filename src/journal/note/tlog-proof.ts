import { fromBase64, parseCount, toBase64 } from '../bytes.ts';
import { JournalError } from '../errors.ts';
import { HASH_BYTES } from '../tree/merkle-tree.ts';

/** C2SP tlog-proof: an entry's index, its inclusion proof, and the checkpoint that it leads to. */
export interface TlogProof {
  readonly index: number;
  /** From the leaf's sibling up to the child of the root. */
  readonly inclusionProof: readonly Uint8Array[];
  /** The signed note, verbatim. */
  readonly checkpoint: string;
  /** Opaque and not authenticated. */
  readonly extra?: Uint8Array;
}

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** A tree of 2^53 leaves is 53 levels high. */
const MAX_PROOF_HASHES = 53;

export function formatTlogProof({ index, inclusionProof, checkpoint, extra }: TlogProof): string {
  const lines = [
    FIRST_LINE,
    ...(extra === undefined ? [] : [`extra ${toBase64(extra)}`]),
    `index ${index}`,
    ...inclusionProof.map(toBase64),
  ];
  return `${lines.join('\n')}\n\n${checkpoint}`;
}

/**
 * Reads the form only; the checkpoint inside is neither parsed nor believed.
 * @throws JournalError `journal.proof_malformed`
 */
export function parseTlogProof(text: string): TlogProof {
  const gap = text.indexOf('\n\n');
  if (gap < 0) throw malformed('no checkpoint after an empty line');
  const lines = text.slice(0, gap).split('\n');
  if (lines.shift() !== FIRST_LINE) throw malformed(`the first line is not ${FIRST_LINE}`);
  const extra = lines[0]?.startsWith('extra ') === true ? fromBase64(lines[0].slice(6)) : null;
  if (extra === undefined) throw malformed('the extra data are not base64');
  if (extra !== null) lines.shift();
  const index = parseCount(/^index (.*)$/.exec(lines.shift() ?? '')?.[1] ?? '');
  if (index === undefined) throw malformed('there is no index');
  if (lines.length > MAX_PROOF_HASHES) throw malformed(`more than ${MAX_PROOF_HASHES} hashes`);
  const inclusionProof = lines.map((line) => {
    const node = fromBase64(line);
    if (node?.length !== HASH_BYTES) throw malformed('a line of the proof is no SHA-256 hash in base64');
    return node;
  });
  const checkpoint = text.slice(gap + 2);
  return { index, inclusionProof, checkpoint, ...(extra === null ? {} : { extra }) };
}

function malformed(why: string): JournalError {
  return new JournalError('journal.proof_malformed', `not a tlog-proof: ${why}`);
}
