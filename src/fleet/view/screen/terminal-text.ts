// Text of strangers on a terminal: what it may hold, and how many columns it takes.

/** Controls (C0, C1, DEL), formats (bidi, zero width), separators of lines, private, unassigned and lone halves. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;
const SPACES = /\p{Zs}/gu;
/** Marks that are drawn over the letter before; more than two on one are of no language. */
const MARKS = /(\p{M}{2})\p{M}+/gu;
const MARK = /^\p{M}$/u;
/** Conjoining vowels and finals of Hangul that stand alone: terminals do not agree on their width. */
const JAMO = /[\u1160-\u11ff\ud7b0-\ud7ff]/g;
/** East Asian wide and full width (UAX 11), and what is drawn as an emoji (UTS 51). */
const WIDE =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]|^\p{Emoji_Presentation}/u;

/** Nothing in the result moves a cursor, changes a colour or the order of what stands beside it. */
export function plainText(text: string): string {
  if (/^[ -~]*$/.test(text)) return text;
  return text
    .normalize('NFC')
    .replace(HARMFUL, '\ufffd')
    .replace(SPACES, ' ')
    .replace(JAMO, '\ufffd')
    .replace(MARKS, '$1');
}

/** Columns that plain text takes. */
export function columnsOf(text: string): number {
  if (/^[ -~]*$/.test(text)) return text.length;
  let columns = 0;
  for (const character of text) columns += widthOf(character);
  return columns;
}

function widthOf(character: string): 0 | 1 | 2 {
  if (MARK.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}

/** At most so many columns of plain text, with `…` in place of what is cut; a wide character is not halved. */
export function clipped(text: string, columns: number, ellipsis = '…'): string {
  if (columnsOf(text) <= columns) return text;
  if (columns <= 0) return '';
  let left = columns - 1;
  let kept = '';
  for (const character of text) {
    left -= widthOf(character);
    if (left < 0) break;
    kept += character;
  }
  return kept + ellipsis;
}

/** For a terminal that knows no more than ASCII. */
export function asciiOnly(text: string): string {
  return text
    .replace(/[·•]/g, '-')
    .replace(/…/g, '~')
    .replace(/[→▸]/g, '>')
    .replace(/[─━]/g, '-')
    .replace(/[▁▂▃▄▅▆▇█]/g, (bar) => '_.:-=+*#'['▁▂▃▄▅▆▇█'.indexOf(bar)] ?? '#')
    .replace(/[^\x20-\x7e]/gu, '?');
}
