/** What a person pressed; a text is what was typed or pasted, for a filter. */
export type Key =
  | 'up'
  | 'down'
  | 'pageUp'
  | 'pageDown'
  | 'home'
  | 'end'
  | 'enter'
  | 'escape'
  | 'backspace'
  | 'interrupt'
  | 'suspend'
  | 'redraw'
  | { readonly typed: string };

const ESC = '\u001b';
const CONTROLS: Readonly<Record<string, Key>> = {
  ...{ '\r': 'enter', '\n': 'enter', '\u007f': 'backspace', '\b': 'backspace' },
  ...{ '\u0003': 'interrupt', '\u0004': 'interrupt', '\u001a': 'suspend', '\u000c': 'redraw' },
};
/** Last letters of the sequences of ECMA-48 and of the application mode of terminals (SS3). */
const LETTERS: Readonly<Record<string, Key>> = { A: 'up', B: 'down', H: 'home', F: 'end' };
const NUMBERS: Readonly<Record<string, Key>> = {
  ...{ 1: 'home', 7: 'home', 4: 'end', 8: 'end', 5: 'pageUp', 6: 'pageDown' },
};
/** CSI: parameters, intermediates, a final byte (ECMA-48 §5.4); SS3: one letter. */
const SEQUENCE = /^\u001b(?:\[([0-9;:<=>?]*)[ -/]*([@-~])|O([ -~]))/;
const UNFINISHED = /^\u001b(?:\[[0-9;:<=>?]*[ -/]*|O)?$/;
const TYPED = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/u;
const MAX_UNFINISHED = 32;

/**
 * Keys of what a terminal sent. An escape sequence may come in pieces: what may go on stays in `rest` until more comes, or
 * until `isAll` says that nothing does, and then a lone ESC is the key. Sequences of other keys are no keys.
 */
export function keysOf(
  input: string,
  isAll: boolean,
): { readonly keys: readonly Key[]; readonly rest: string } {
  const keys: Key[] = [];
  let left = input;
  while (left !== '') {
    if (left.startsWith(ESC)) {
      const [whole, numbers = '', letter = '', application = ''] = SEQUENCE.exec(left) ?? [];
      if (whole !== undefined) {
        const key = letter === '~' ? NUMBERS[numbers.split(';')[0] ?? ''] : LETTERS[letter + application];
        if (key !== undefined) keys.push(key);
        left = left.slice(whole.length);
        continue;
      }
      if (!isAll && UNFINISHED.test(left) && left.length < MAX_UNFINISHED) return { keys, rest: left };
      keys.push('escape');
      left = left.slice(1);
      continue;
    }
    const typed = TYPED.exec(left)?.[0];
    if (typed !== undefined) {
      keys.push({ typed });
      left = left.slice(typed.length);
      continue;
    }
    const [character = ''] = left;
    const control = CONTROLS[character];
    if (control !== undefined) keys.push(control);
    left = left.slice(character.length);
  }
  return { keys, rest: '' };
}
