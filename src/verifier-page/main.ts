// The page: takes files, checks them, shows what came out. Everything else is in verdict.ts and dom/.
import {
  MAX_RECEIPT_BYTES,
  parseTrustedKey,
  receiptOf,
  verifyReceipt,
  type TrustedKey,
} from '../receipt/index.ts';
import { element } from './dom/element.ts';
import { reportView, type CheckedFile } from './dom/report-view.ts';
import { languageOf, LANGUAGES, phrase, say, type Language, type Phrase } from './words/words.ts';

/** More are not asked of a phone at once. */
const MAX_FILES = 20;

interface Given {
  readonly name: string;
  readonly content: Uint8Array;
  /** What came of it, by the key that it was compared with: checking takes a second, and typing a key asks often. */
  readonly checked: Map<string, CheckedFile>;
}

let language: Language = languageOf(navigator.languages);
let given: readonly Given[] = [];
let notices: readonly Phrase[] = [];
let keyText = '';
/** A key that came with the address is the word of whoever made the link, until the reader says that it was compared. */
let isKeyCompared = true;

const picker = element('input', { type: 'file', multiple: '', id: 'files', class: 'picker' });
const keyField = element('input', {
  type: 'text',
  id: 'key',
  autocomplete: 'off',
  autocapitalize: 'off',
  spellcheck: 'false',
  'aria-describedby': 'key-why key-problem',
});
const linkedKey = element('div', { id: 'key-linked' });
const keyProblem = element('p', { id: 'key-problem', class: 'problem', role: 'alert' });
// Emptied and filled, never replaced: who listens to the page is told what is new.
const results = element('div', { id: 'results', 'aria-live': 'polite' });
const head = element('header', { class: 'head' });
const intake = element('section', { class: 'intake' });
const keyPanel = element('section', { class: 'key' });
const foot = element('footer', {});

function words() {
  return LANGUAGES[language];
}

function text(...parts: Parameters<typeof phrase>): string {
  return say(words(), phrase(...parts));
}

/** What stands around the results, in the language that is set. */
function showFrame(): void {
  document.documentElement.lang = language;
  document.title = text('page.title');
  const other = element('button', { type: 'button', class: 'quiet', id: 'language' }, text('page.other'));
  other.addEventListener('click', () => {
    language = language === 'de' ? 'en' : 'de';
    showFrame();
    showResults();
    document.getElementById('language')?.focus();
  });
  const print = element('button', { type: 'button', class: 'quiet' }, text('page.print'));
  print.addEventListener('click', () => window.print());
  const h1 = element('h1', {}, text('page.title'));
  head.replaceChildren(
    h1,
    element('div', { class: 'tools' }, print, other),
    element('p', {}, text('page.lead')),
  );
  intake.replaceChildren(
    element(
      'label',
      { class: 'drop', for: 'files' },
      element('strong', {}, text('drop.title')),
      element('span', {}, text('drop.hint')),
      element('span', { class: 'button' }, text('drop.button')),
      picker,
    ),
  );
  keyPanel.replaceChildren(
    element('h2', {}, text('key.title')),
    element('p', { id: 'key-why' }, text('key.why')),
    element('label', { for: 'key' }, text('key.label')),
    keyField,
    linkedKey,
    keyProblem,
  );
  foot.replaceChildren(text('page.foot'));
}

function showResults(): void {
  const key = trustedKey();
  results.replaceChildren(
    ...notices.map((notice) => element('p', { class: 'notice' }, say(words(), notice))),
    ...given.map((file) => shown(file, key)),
  );
  showLinkedKey(key !== undefined && !isKeyCompared);
}

/** One file that cannot be shown must not keep the others from being so. */
function shown(file: Given, key: TrustedKey | undefined): HTMLElement {
  try {
    return reportView(checked(file, key), language, isKeyCompared);
  } catch (error) {
    reportError(error);
    return element('p', { class: 'problem' }, text('page.failed', { name: file.name }));
  }
}

function showLinkedKey(isLinked: boolean): void {
  if (!isLinked) return linkedKey.replaceChildren();
  const compared = element('button', { type: 'button', id: 'key-compared' }, text('key.compared'));
  compared.addEventListener('click', () => {
    isKeyCompared = true;
    showResults();
    keyField.focus();
  });
  linkedKey.replaceChildren(element('p', {}, text('key.linked')), compared);
}

function trustedKey(): TrustedKey | undefined {
  const key = keyText.trim() === '' ? undefined : parseTrustedKey(keyText);
  const isBad = keyText.trim() !== '' && key === undefined;
  keyProblem.textContent = isBad ? text('key.bad') : '';
  keyField.setAttribute('aria-invalid', String(isBad));
  return key;
}

function checked({ name, content, checked: known }: Given, key: TrustedKey | undefined): CheckedFile {
  const which = key === undefined ? '' : `${key.trustedOrigin ?? ''} ${key.trustedKey.join()}`;
  const before = known.get(which);
  if (before !== undefined) return before;
  const report = verifyReceipt(content, key ?? {});
  const { publicKey = '', origin = '' } = receiptOf(content) ?? {};
  const file = { name, bytes: content.length, report, publicKey, origin };
  known.set(which, file);
  return file;
}

async function take(files: readonly File[]): Promise<void> {
  if (files.length === 0) return;
  notices = [phrase('page.checking')];
  given = [];
  showResults();
  const read = await Promise.all(files.slice(0, MAX_FILES).map(readBounded));
  given = read.filter((file) => 'content' in file);
  notices = read.filter((file) => 'key' in file);
  if (files.length > MAX_FILES) notices = [...notices, phrase('page.tooMany', { count: String(MAX_FILES) })];
  showResults();
  results.scrollIntoView({ block: 'start', behavior: 'auto' });
}

/** At most one byte more than a receipt may have: what is larger is refused by its `format` check, unread. */
async function readBounded(file: File): Promise<Given | Phrase> {
  try {
    const content = await file.slice(0, MAX_RECEIPT_BYTES + 1).arrayBuffer();
    return { name: file.name, content: new Uint8Array(content), checked: new Map() };
  } catch {
    return phrase('page.unreadable', { name: file.name });
  }
}

function listen(): void {
  picker.addEventListener('change', () => {
    void take([...(picker.files ?? [])]);
    // So that the same file can be chosen again.
    picker.value = '';
  });
  keyField.addEventListener('input', () => {
    keyText = keyField.value;
    isKeyCompared = true;
    showResults();
  });
  for (const name of ['dragover', 'dragleave', 'drop'] as const) {
    document.addEventListener(name, (event) => {
      event.preventDefault();
      document.body.classList.toggle('dragging', name === 'dragover');
      if (name === 'drop') void take([...(event.dataTransfer?.files ?? [])]);
    });
  }
  document.addEventListener('paste', ({ clipboardData, target }) => {
    if (target === keyField || clipboardData === null) return;
    const pasted = clipboardData.getData('text/plain');
    const files = [...clipboardData.files];
    void take(files.length > 0 || pasted === '' ? files : [new File([pasted], 'pasted.receipt.json')]);
  });
  window.addEventListener('hashchange', takeKeyFromAddress);
}

/** `#key=…` in the address, as on a sign at the station, or in a swindler's mail; what stands behind # is never sent to a server. */
function takeKeyFromAddress(): void {
  const key = new URLSearchParams(location.hash.slice(1).replaceAll('+', '%2B')).get('key');
  if (key === null) return;
  keyText = key;
  isKeyCompared = false;
  keyField.value = key;
  showResults();
}

showFrame();
document.getElementById('app')?.append(head, element('main', {}, intake, keyPanel, results), foot);
listen();
takeKeyFromAddress();
