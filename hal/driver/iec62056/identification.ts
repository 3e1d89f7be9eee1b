/** How a meter wants to be read (IEC 62056-21 §6.4): the baud character of its identification says it. */
export type ReadoutMode =
  /** No change of rate, no acknowledgement: the data follow at once. */
  | { readonly mode: 'A' }
  /** The meter changes its rate by itself. */
  | { readonly mode: 'B'; readonly baudRate: number }
  /** The reader acknowledges, then both change their rate. */
  | { readonly mode: 'C'; readonly baudRate: number; readonly baudCharacter: string };

/** An identification message, `/XXXZ<model> CR LF` (IEC 62056-21 §6.3.2). */
export interface Identification {
  /** FLAG manufacturer's letters; a lower-case third one promises a reaction time of 20 ms instead of 200 ms. */
  readonly manufacturer: string;
  readonly baudCharacter: string;
  /** What follows: the model, with the escape sequences (`\2`) that the maker put in. */
  readonly model: string;
}

const IDENTIFICATION = /^\/([A-Za-z]{3})([0-9A-Za-z])((?:(?![()/!])[\x20-\x7e]){0,60})$/;
const REQUEST = /^\/\?[0-9A-Za-z .-]{0,32}!$/;

/** Longest first line that is taken for one; the standard allows 16 characters of model, makers take more. */
export const MAX_IDENTIFICATION_CHARACTERS = 80;

const RATES_C = [300, 600, 1200, 2400, 4800, 9600, 19200];
const RATES_B = [600, 1200, 2400, 4800, 9600, 19200];

/** `line` without its CR LF; null when it is no identification. */
export function parseIdentification(line: string): Identification | null {
  const match = IDENTIFICATION.exec(line);
  if (match === null) return null;
  const [, manufacturer = '', baudCharacter = '', model = ''] = match;
  return { manufacturer, baudCharacter, model: model.trim() };
}

/** A reader's sign-on, `/?<address>! CR LF`: seen in captures of both directions and as an optical head's echo. */
export function isRequest(line: string): boolean {
  return REQUEST.test(line);
}

/**
 * Where in a line a new message begins although the line before it never ended: that is how a telegram that was cut and
 * the next one look glued together. -1 when there is none.
 */
export function messageStartIn(line: string): number {
  const at = line.lastIndexOf('/');
  if (at < 0 || line.length - at > MAX_IDENTIFICATION_CHARACTERS) return -1;
  const tail = line.slice(at);
  return IDENTIFICATION.test(tail) || REQUEST.test(tail) ? at : -1;
}

/** Table of baud characters in IEC 62056-21 §6.3.14 item 13. Any other character: mode A. */
export function readoutMode({ baudCharacter }: Identification): ReadoutMode {
  const rateC = /^[0-6]$/.test(baudCharacter) ? RATES_C[Number(baudCharacter)] : undefined;
  if (rateC !== undefined) return { mode: 'C', baudRate: rateC, baudCharacter };
  const rateB = RATES_B[baudCharacter.charCodeAt(0) - 'A'.charCodeAt(0)];
  return rateB === undefined ? { mode: 'A' } : { mode: 'B', baudRate: rateB };
}
