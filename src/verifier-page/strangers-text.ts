// A file says what its maker likes. As text it can still steer what a reader sees: turn the line around, hide letters, go on for
// pages. Pure.

/** Names are short; a forger's can push what matters off the screen. */
const MAX_SHOWN = 160;
/** Control and format characters (right-to-left overrides, zero-width letters), line and paragraph separators. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;
const RIGHT_TO_LEFT = /[\p{Script=Hebrew}\p{Script=Arabic}\p{Script=Syriac}\p{Script=Thaana}\p{Script=Nko}]/u;

/** Text for the page without anything that is not seen. */
export function harmless(text: string): string {
  return text.replace(INVISIBLE, '\ufffd');
}

/** A value to stand in a sentence of ours: harmless, short, and of no influence on the order of the words around it. */
export function strangersValue(text: string): string {
  const points = [...harmless(text)];
  const short = points.length > MAX_SHOWN ? `${points.slice(0, MAX_SHOWN).join('')}…` : points.join('');
  return RIGHT_TO_LEFT.test(short) ? `\u2068${short}\u2069` : short;
}
