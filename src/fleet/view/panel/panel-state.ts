import type { Key } from './keys.ts';

/** What a person looks at. */
export interface PanelState {
  readonly page: 'fleet' | 'station' | 'log';
  readonly isHelp: boolean;
  /** The station that is looked at; null: the list. */
  readonly station: string | null;
  /** The marked row, by name, so that it stays on its station when the order changes; null: the first. */
  readonly selected: string | null;
  /** Where it was last: what is marked when that station is no longer in the list. */
  readonly selectedAt: number;
  readonly filter: string;
  readonly isTyping: boolean;
  /** Lines that a page is scrolled. */
  readonly scrolled: number;
}

/** What of the screen decides what a key does. */
export interface PanelFacts {
  /** Names in the order of the list. */
  readonly names: readonly string[];
  /** Rows of a page. */
  readonly pageRows: number;
  /** How far the page of the station can be scrolled. */
  readonly scrollRange: number;
}

export interface PanelStep {
  readonly state: PanelState;
  readonly effect: 'quit' | 'suspend' | 'redraw' | null;
}

const MAX_FILTER = 64;

export function panelAt(station: string | null): PanelState {
  return {
    ...{ page: station === null ? 'fleet' : 'station', isHelp: false, station, selected: station },
    ...{ selectedAt: 0, filter: '', isTyping: false, scrolled: 0 },
  };
}

/** Index of the marked row; -1 for an empty list. */
export function selectedIndex({ selected, selectedAt }: PanelState, names: readonly string[]): number {
  const found = selected === null ? 0 : names.indexOf(selected);
  return Math.min(names.length - 1, found >= 0 ? found : selectedAt);
}

/** First row that is shown, so that the marked one is: as little moved as can be. */
export function topFor(selected: number, before: number, rows: number, length: number): number {
  const last = Math.max(0, length - rows);
  const least = Math.max(0, selected - rows + 1);
  return Math.min(last, Math.max(least, Math.min(before, Math.max(0, selected))));
}

/** What a key does. Pure. */
export function panelStep(state: PanelState, key: Key, facts: PanelFacts): PanelStep {
  if (key === 'interrupt') return { state, effect: 'quit' };
  if (key === 'suspend' || key === 'redraw') return { state, effect: key };
  if (state.isHelp) return to({ ...state, isHelp: false });
  if (state.isTyping) return to(typing(state, key, facts));
  if (typeof key === 'object') return command(state, key.typed, facts);
  if (state.page === 'fleet') return to(inList(state, key, facts));
  return to(inStation(state, key, facts));
}

function to(state: PanelState): PanelStep {
  return { state, effect: null };
}

/** Letters that are commands; of a pasted text each is one, up to the first that is none. */
function command(state: PanelState, typed: string, facts: PanelFacts): PanelStep {
  const [letter = '', ...rest] = typed;
  const step = letterStep(state, letter, facts);
  if (step.effect !== null || rest.length === 0) return step;
  return panelStep(step.state, { typed: rest.join('') }, facts);
}

function letterStep(state: PanelState, letter: string, facts: PanelFacts): PanelStep {
  switch (letter) {
    case 'q':
      return { state, effect: 'quit' };
    case '?':
      return to({ ...state, isHelp: true });
    case 'j':
      return panelStep(state, 'down', facts);
    case 'k':
      return panelStep(state, 'up', facts);
    case '/':
      return to(state.page === 'fleet' ? { ...state, isTyping: true } : state);
    case 'l':
      if (state.page === 'fleet') return to(state);
      return to({ ...state, page: state.page === 'log' ? 'station' : 'log', scrolled: 0 });
    default:
      return to(state);
  }
}

function typing(state: PanelState, key: Key, facts: PanelFacts): PanelState {
  if (typeof key === 'object') {
    const filter = [...(state.filter + key.typed)].slice(0, MAX_FILTER).join('');
    return { ...state, filter, selected: null, selectedAt: 0 };
  }
  switch (key) {
    case 'enter':
      return { ...state, isTyping: false };
    case 'escape':
      return { ...state, isTyping: false, filter: '' };
    case 'backspace':
      if (state.filter === '') return { ...state, isTyping: false };
      return { ...state, filter: [...state.filter].slice(0, -1).join(''), selected: null, selectedAt: 0 };
    default:
      return inList(state, key, facts);
  }
}

function inList(state: PanelState, key: Key, { names, pageRows }: PanelFacts): PanelState {
  const at = selectedIndex(state, names);
  const mark = (index: number): PanelState => {
    const bounded = Math.max(0, Math.min(names.length - 1, index));
    return { ...state, selected: names[bounded] ?? null, selectedAt: bounded };
  };
  switch (key) {
    case 'up':
      return mark(at - 1);
    case 'down':
      return mark(at + 1);
    case 'pageUp':
      return mark(at - pageRows);
    case 'pageDown':
      return mark(at + pageRows);
    case 'home':
      return mark(0);
    case 'end':
      return mark(names.length - 1);
    case 'enter': {
      const station = names[at];
      if (station === undefined) return state;
      return { ...mark(at), page: 'station', station, scrolled: 0 };
    }
    case 'escape':
      return { ...state, filter: '' };
    default:
      return state;
  }
}

function inStation(state: PanelState, key: Key, { pageRows, scrollRange }: PanelFacts): PanelState {
  const isLog = state.page === 'log';
  const towardsEnd = isLog ? -1 : 1;
  const scroll = (lines: number): PanelState => {
    const scrolled = Math.max(0, Math.min(scrollRange, Math.min(state.scrolled, scrollRange) + lines));
    return { ...state, scrolled };
  };
  switch (key) {
    case 'up':
      return scroll(-towardsEnd);
    case 'down':
      return scroll(towardsEnd);
    case 'pageUp':
      return scroll(-towardsEnd * pageRows);
    case 'pageDown':
      return scroll(towardsEnd * pageRows);
    case 'home':
      return scroll(isLog ? scrollRange : -scrollRange);
    case 'end':
      return scroll(isLog ? -scrollRange : scrollRange);
    case 'escape':
    case 'backspace':
      if (isLog) return { ...state, page: 'station', scrolled: 0 };
      return { ...state, page: 'fleet', station: null, scrolled: 0 };
    default:
      return state;
  }
}
