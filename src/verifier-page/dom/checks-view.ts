import type { Check, ReceiptReport, Statement } from '../../receipt/index.ts';
import { phrase, say, type Words } from '../words/words.ts';
import { element } from './element.ts';

/** Each check with its result in words, not in colour alone, and what the verifier found, folded. */
export function checksView({ checks }: ReceiptReport, words: Words): HTMLElement {
  return element(
    'section',
    { class: 'checks' },
    element('h3', {}, say(words, phrase('checks.title'))),
    element('p', { class: 'lead' }, say(words, phrase('checks.lead'))),
    element('ul', {}, ...checks.map((check) => checkItem(check, words))),
  );
}

const MARKS = { pass: '✓', fail: '✗', 'not checked': '–' } as const;

function checkItem({ name, result, detail }: Check, words: Words): HTMLElement {
  const kind = result.replace(' ', '-');
  return element(
    'li',
    { class: `check ${kind}`, 'data-check': name, 'data-result': result },
    element(
      'details',
      {},
      element(
        'summary',
        {},
        element('span', { class: 'mark', 'aria-hidden': 'true' }, MARKS[result]),
        element(
          'span',
          { class: 'what' },
          element('strong', {}, say(words, phrase(name))),
          element('span', { class: 'result' }, say(words, phrase(`result.${result}`))),
          element('span', { class: 'plain' }, say(words, phrase(`${name}.${result}`))),
        ),
      ),
      element(
        'p',
        { class: 'detail' },
        `${say(words, phrase('checks.detail'))} · `,
        element('code', {}, name),
        `: ${detail}`,
      ),
    ),
  );
}

/** All entries as a table, folded: the curve for those who do not see it, and for those who want the digits. */
export function entriesView({ statements }: ReceiptReport, words: Words): HTMLElement | undefined {
  if (statements.length === 0) return undefined;
  const head = (['entries.index', 'entries.kind', 'entries.time', 'entries.values'] as const).map((key) =>
    element('th', { scope: 'col' }, say(words, phrase(key))),
  );
  const title = say(words, phrase('entries.title', { count: String(statements.length) }));
  const table = element(
    'table',
    {},
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...statements.map(entryRow)),
  );
  return element(
    'details',
    { class: 'fold' },
    element('summary', {}, title),
    element('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title }, table),
  );
}

function entryRow({ index, kind, time, clock, tells, values }: Statement): HTMLElement {
  const said = (values ?? []).map(
    ({ obis, value, unit, quality }) => `${obis} ${value} ${unit}${quality === 'G' ? '' : ` (${quality})`}`,
  );
  if (tells !== undefined) said.push(tells);
  return element(
    'tr',
    {},
    element('td', {}, String(index)),
    element('td', {}, kind),
    element('td', {}, `${time} (${clock})`),
    element('td', {}, ...said.map((text) => element('div', {}, text))),
  );
}
