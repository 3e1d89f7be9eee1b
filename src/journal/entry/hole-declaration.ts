import type { EntryRange, JournalEntry, TreeHead } from './entry-types.ts';

/** What a signed entry says has gone from its log, and the tree that vouches for the hashes of that. */
export interface HoleDeclaration {
  /** `gap`: readings that gave way on purpose. `fault`: whatever was lost in damage. */
  readonly by: 'gap' | 'fault';
  readonly ranges: readonly EntryRange[];
  readonly tree?: TreeHead;
}

/** Undefined for an entry that declares nothing gone. */
export function holeDeclaration(entry: JournalEntry): HoleDeclaration | undefined {
  if (entry.kind === 'gap' && 'ranges' in entry.body) {
    const { ranges, root } = entry.body;
    return { by: 'gap', ranges, tree: { size: entry.index, root } };
  }
  if (entry.kind === 'fault' && entry.body.holes !== undefined) {
    const { holes, tree } = entry.body;
    return { by: 'fault', ranges: holes, ...(tree && { tree }) };
  }
  return undefined;
}

/** Why a declaration cannot be true, whatever it speaks of; undefined when it can. */
export function declarationFault(entry: JournalEntry): string | undefined {
  const declaration = holeDeclaration(entry);
  if (declaration === undefined) return undefined;
  const { ranges, tree } = declaration;
  if (!ranges.every(({ from }, i) => from > (ranges[i - 1]?.to ?? -1))) {
    return 'the entry declares holes that are not ascending, or not apart';
  }
  if ((ranges.at(-1)?.to ?? 0) > Math.min(entry.index, tree?.size ?? entry.index)) {
    return 'the entry declares a hole that is not in front of it';
  }
  if (entry.kind !== 'gap' || !('ranges' in entry.body)) return undefined;
  const { dropped, stretch } = entry.body;
  const counted = dropped.reduce((sum, { entries }) => sum + entries, 0);
  if (counted !== ranges.reduce((sum, { from, to }) => sum + to - from, 0)) {
    return 'the entry counts other entries than its ranges hold';
  }
  const outside = ranges.some(({ from, to }) => from < stretch.from || to > stretch.to);
  return outside ? 'the entry declares a hole outside of its stretch' : undefined;
}
