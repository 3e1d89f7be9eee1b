import type { AnchorEvidence } from '../../chain/index.ts';
import type { JournalReader } from '../../journal/index.ts';
import type { SessionSelection } from '../../receipt/index.ts';
import { provableAnchor } from './provable-anchor.ts';

/** What a receipt is to show: entries by their index, or a whole session. */
export type ReceiptSubject = { readonly indices: readonly number[] } | { readonly session: string };

export interface ReceiptParts {
  readonly journal: JournalReader;
  /** State directory, with the outbox. */
  readonly directory: string;
  /** Where no anchor covers it: signs a tree that holds that leaf. */
  readonly signTree: (covering: number) => Promise<{ readonly checkpoint: string; readonly size: number }>;
  /** Of a session; PICTURE_READINGS unless given. */
  readonly mostReadings?: number;
  /** Awaited between pieces of work of a few milliseconds; rejects to end it. */
  readonly pause: () => Promise<void>;
}

export interface ComposedReceipt {
  /** The bytes of the file. */
  readonly text: string;
  readonly origin: string;
  readonly entries: number;
  readonly anchor: AnchorEvidence | null;
  readonly session: SessionSelection | undefined;
}

/** Proofs in one piece: each reads a few tiles. */
const PIECE_ENTRIES = 16;

/**
 * Puts entries, their proofs and the anchor that covers them into a receipt (docs/receipts.md).
 * @throws ReceiptError, JournalError; SyncError as provableAnchor; as `signTree` and `pause`
 */
export async function composeReceipt(subject: ReceiptSubject, parts: ReceiptParts): Promise<ComposedReceipt> {
  const { journal, directory, signTree, pause } = parts;
  const { createReceipt } = await import('../../receipt/index.ts');
  const session = 'session' in subject ? await selected(subject.session, parts) : undefined;
  const asked = 'indices' in subject ? subject.indices : [];
  const last = session?.end ?? Math.max(...asked);
  const anchor = await provableAnchor(journal, directory, last);
  const { checkpoint, size } = anchor ?? (await signTree(last));
  // What tells of entries that went later may stand behind the anchored tree; how many they are is told all the same.
  const indices = session?.indices.filter((index) => index < size) ?? asked;
  // The birth names the key of the OCMF records.
  const birth = indices.some((index) => journal.entry(index).kind.startsWith('session-')) ? [0] : [];
  const wanted = new Set([...birth, ...rotationsIn(journal).filter((index) => index < size), ...indices]);
  const entries = [];
  for (const index of wanted) {
    if (entries.length % PIECE_ENTRIES === 0) await pause();
    entries.push({
      ...{ index, bytes: journal.entry(index).cose, inclusionProof: journal.inclusionProof(index, size) },
    });
  }
  const { origin, keys } = journal;
  const text = createReceipt({ origin, publicKey: keys.birthKey, checkpoint, entries, anchor });
  return { text, origin, entries: entries.length, anchor, session };
}

async function selected(
  sessionId: string,
  { journal, mostReadings, pause }: ReceiptParts,
): Promise<SessionSelection> {
  const { selectingSession } = await import('../../receipt/index.ts');
  const selecting = selectingSession(journal, sessionId, mostReadings);
  for (;;) {
    const step = selecting.next();
    if (step.done === true) return step.value;
    await pause();
  }
}

/** The entries that hand the log from one key to the next: without them later entries are a stranger's. */
function rotationsIn({ keys }: JournalReader): number[] {
  return keys.keys.slice(1).map(({ firstIndex }) => firstIndex - 1);
}
