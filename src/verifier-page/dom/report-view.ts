import { kilowattHours, duration, readableTime } from '../figures.ts';
import { strangersValue } from '../strangers-text.ts';
import { mostRead, powerCurve } from '../power-curve.ts';
import { anchorVerdictOf, verdictOf, type AnchorVerdict, type Tone, type Verdict } from '../verdict.ts';
import {
  LANGUAGES,
  phrase,
  say,
  type Language,
  type Phrase,
  type WordKey,
  type Words,
} from '../words/words.ts';
import type { ReceiptReport, SessionMoment, SessionSummary, Statement } from '../../receipt/index.ts';
import { checksView, entriesView } from './checks-view.ts';
import { curveView } from './curve-view.ts';
import { element } from './element.ts';

/** One file and what came of checking it. */
export interface CheckedFile {
  readonly name: string;
  readonly bytes: number;
  readonly report: ReceiptReport;
  /** `0x…`; empty when the file is no receipt. */
  readonly publicKey: string;
  readonly origin: string;
}

/** @param isKeyCompared whether the reader vouches for the key, which may have come with a link */
export function reportView(file: CheckedFile, language: Language, isKeyCompared: boolean): HTMLElement {
  const words = LANGUAGES[language];
  const { report } = file;
  const verdict = verdictOf(report, isKeyCompared);
  const anchor = anchorVerdictOf(
    report,
    report.block === null
      ? null
      : {
          number: String(report.block.blockNumber),
          hash: report.block.blockHash,
          genesis: report.block.genesisHash,
        },
  );
  return element(
    'article',
    { class: 'receipt', 'data-tone': verdict.tone, 'aria-label': file.name },
    verdictView(verdict, file, words, language),
    report.statements.length === 0 ? undefined : factsView(file, isUnconfirmed(verdict), words, language),
    curveSection(report, words, language),
    anchor === undefined ? undefined : anchorView(anchor, words),
    checksView(report, words),
    entriesView(report, words),
    technicalView(file, words),
  );
}

const UNCONFIRMED: readonly WordKey[] = ['verdict.whose', 'verdict.link'];

/** Nobody but the file itself says so. */
function isUnconfirmed({ tone, title }: Verdict): boolean {
  return tone === 'bad' || UNCONFIRMED.includes(title.key);
}

const ICONS: Readonly<Record<Tone, string>> = { good: '✓', doubt: '?', bad: '✗' };

function verdictView(
  verdict: Verdict,
  { report, publicKey }: CheckedFile,
  words: Words,
  language: Language,
): HTMLElement {
  const claim = verdict.tone === 'bad' ? undefined : claimOf(report, language);
  return element(
    'header',
    { class: `verdict ${verdict.tone}` },
    element('span', { class: 'icon', 'aria-hidden': 'true' }, ICONS[verdict.tone]),
    element(
      'div',
      {},
      element('h2', {}, say(words, verdict.title)),
      claim === undefined ? undefined : element('p', { class: 'claim' }, say(words, claim)),
      ...verdict.sentences.map((sentence) => element('p', {}, say(words, sentence))),
      UNCONFIRMED.includes(verdict.title.key) ? theirKey(publicKey, words) : undefined,
    ),
  );
}

/** For those who compare by eye. */
function theirKey(publicKey: string, words: Words): HTMLElement {
  return element(
    'p',
    { class: 'theirs' },
    `${say(words, phrase('key.in'))}: `,
    element('code', {}, publicKey),
  );
}

/** The one sentence that a reader came for. */
function claimOf({ session, energy, statements }: ReceiptReport, language: Language): Phrase | undefined {
  if (session !== null) {
    const values = {
      begin: readableTime(session.begin.time, language).local,
      end: readableTime(session.end.time, language).local,
      meter: session.meterSerial,
      evse: session.evseId,
    };
    return session.wh === null
      ? phrase('verdict.sessionNoEnergy', values)
      : phrase('verdict.session', { ...values, energy: kilowattHours(session.wh, language) });
  }
  const [only, another] = energy;
  if (only !== undefined && another === undefined) {
    return phrase('verdict.between', { energy: kilowattHours(only.wh, language), meter: only.meterSerial });
  }
  return statements.length === 0
    ? undefined
    : phrase('verdict.readings', { count: String(statements.length) });
}

/** What takes a line of its own. */
const WIDE: readonly WordKey[] = ['facts.energy', 'facts.station', 'facts.log', 'facts.incidents'];

function factsView(file: CheckedFile, isUnsure: boolean, words: Words, language: Language): HTMLElement {
  const { report } = file;
  const list = element('dl', {});
  const add = (key: WordKey, ...content: readonly (Node | string)[]): void => {
    list.append(
      element(
        'div',
        WIDE.includes(key) ? { class: 'wide' } : {},
        element('dt', {}, say(words, phrase(key))),
        element('dd', {}, ...content),
      ),
    );
  };
  if (report.session !== null) {
    sessionFacts(report.session, add, words, language);
    const incidents = incidentsOf(report.session, report.statements);
    if (incidents.length > 0)
      add('facts.incidents', ...incidents.map((text) => element('span', { class: 'small' }, text)));
  } else {
    for (const { meterSerial, wh } of report.energy) {
      add('facts.energy', element('span', { class: 'big' }, kilowattHours(wh, language)));
      add('facts.meter', strangersValue(meterSerial));
    }
    const [first, last] = [report.statements[0], report.statements.at(-1)];
    if (first !== undefined) add('facts.begin', ...momentContent(first, words, language));
    if (last !== undefined && last !== first) add('facts.end', ...momentContent(last, words, language));
  }
  add('facts.station', element('code', {}, strangersValue(file.origin)));
  return element(
    'section',
    { class: 'facts' },
    element('h3', {}, say(words, phrase('facts.title'))),
    isUnsure ? element('p', { class: 'warning' }, say(words, phrase('facts.unsure'))) : undefined,
    list,
  );
}

function sessionFacts(
  session: SessionSummary,
  add: (key: WordKey, ...content: readonly (Node | string)[]) => void,
  words: Words,
  language: Language,
): void {
  const { begin, end, wh, durationMs, entriesBetween, entriesShown } = session;
  const energy = wh === null ? say(words, phrase('facts.unknownEnergy')) : kilowattHours(wh, language);
  add('facts.energy', element('span', { class: 'big', 'data-fact': 'energy' }, energy));
  add('facts.begin', ...momentContent(begin, words, language));
  add('facts.end', ...momentContent(end, words, language));
  if (durationMs !== null) add('facts.duration', duration(durationMs));
  add('facts.meter', strangersValue(session.meterSerial));
  add('facts.register', `${register(begin, language)} → ${register(end, language)}`);
  add('facts.evse', strangersValue(session.evseId));
  add('facts.session', strangersValue(session.sessionId));
  if (entriesShown < entriesBetween) {
    const counts = { shown: String(entriesShown), all: String(entriesBetween) };
    add('facts.log', say(words, phrase('facts.shown', counts)));
  }
}

/** What a reader would want to know of the time in between, whether or not a check rests on it. */
const INCIDENTS: readonly Statement['kind'][] = ['boot', 'fault', 'gap', 'meter-swap', 'clock-step'];
const MAX_INCIDENTS = 8;

function incidentsOf({ begin, end }: SessionSummary, statements: readonly Statement[]): string[] {
  const found = statements.filter(
    ({ index, kind }) => INCIDENTS.includes(kind) && index > begin.index && index < end.index,
  );
  const more = found.length - MAX_INCIDENTS;
  const first = found
    .slice(0, MAX_INCIDENTS)
    .map(({ kind, tells = '' }) => strangersValue(`${kind}: ${tells}`));
  return more > 0 ? [...first, `+ ${more}`] : first;
}

function register(moment: SessionMoment, language: Language): string {
  return moment.register === null ? '–' : kilowattHours(moment.register, language);
}

/** The time in the reader's zone, in UTC, and what the clock behind it was worth. */
function momentContent(
  { time, clock }: { readonly time: string; readonly clock: string },
  words: Words,
  language: Language,
): Node[] {
  const { local, utc } = readableTime(time, language);
  const worth = `clock.${clock}` as WordKey;
  return [
    element('time', { datetime: time }, local),
    element('span', { class: 'small' }, utc),
    element(
      'span',
      { class: `small clock ${clock}` },
      say(words, phrase(worth in words ? worth : 'clock.unknown')),
    ),
  ];
}

function curveSection(report: ReceiptReport, words: Words, language: Language): HTMLElement | undefined {
  const meter = report.session?.meterSerial ?? mostRead(report.statements);
  if (meter === undefined) return undefined;
  const curve = powerCurve(report.statements, meter);
  return element(
    'section',
    {},
    element('h3', {}, say(words, phrase('curve.title'))),
    curve === undefined
      ? element('p', { class: 'lead' }, say(words, phrase('curve.none')))
      : curveView(curve, words, language),
  );
}

function anchorView({ tone, title, sentences, block }: AnchorVerdict, words: Words): HTMLElement {
  const facts: readonly (readonly [WordKey, string])[] =
    block === null
      ? []
      : [
          ['anchor.block', block.number],
          ['anchor.hash', block.hash],
          ['anchor.genesis', block.genesis],
        ];
  const rows = facts.map(([key, value]) =>
    element(
      'div',
      {},
      element('dt', {}, say(words, phrase(key))),
      element('dd', {}, element('code', {}, value)),
    ),
  );
  return element(
    'section',
    { class: `anchor ${tone}` },
    element('h3', {}, say(words, title)),
    ...sentences.map((sentence) => element('p', {}, say(words, sentence))),
    rows.length === 0 ? undefined : element('dl', {}, ...rows),
  );
}

function technicalView({ name, bytes, origin, publicKey }: CheckedFile, words: Words): HTMLElement {
  const size = say(words, phrase('technical.bytes', { count: String(bytes) }));
  const rows: readonly (readonly [WordKey, string])[] = [
    ['technical.file', `${name}, ${size}`],
    ['technical.origin', origin],
    ['key.in', publicKey],
  ];
  return element(
    'details',
    { class: 'fold' },
    element('summary', {}, say(words, phrase('technical.title'))),
    element(
      'dl',
      {},
      ...rows.map(([key, value]) =>
        element(
          'div',
          {},
          element('dt', {}, say(words, phrase(key))),
          element('dd', {}, element('code', {}, value)),
        ),
      ),
    ),
  );
}
