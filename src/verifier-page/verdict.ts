// What to tell the reader first. Pure. Green is for one case only: every check that the sentence rests on has passed.
import type { Check, CheckName, CheckResult, ReceiptReport } from '../receipt/index.ts';
import { phrase, type Phrase } from './words/words.ts';

/** `good` green, `doubt` amber, `bad` red. */
export type Tone = 'good' | 'doubt' | 'bad';

export interface Verdict {
  readonly tone: Tone;
  readonly title: Phrase;
  readonly sentences: readonly Phrase[];
}

/** The claim about a public chain is a second one, with a tone of its own: offline it is never better than doubt. */
export interface AnchorVerdict extends Verdict {
  readonly block: AnchorBlock | null;
}

export interface AnchorBlock {
  readonly number: string;
  readonly hash: string;
  readonly genesis: string;
}

const SAYS_WHAT: readonly CheckName[] = ['session', 'energy', 'times', 'ocmf'];

/** @param isKeyCompared whether the reader vouches for the key; one that came with a link is the word of whoever made the link */
export function verdictOf(report: ReceiptReport, isKeyCompared = true): Verdict {
  const result = (name: CheckName): CheckResult => checkOf(report, name).result;
  if (result('format') === 'fail') {
    const detail = checkOf(report, 'format').detail;
    return {
      tone: 'bad',
      title: phrase('verdict.notReceipt'),
      sentences: [phrase('verdict.notReceipt.text', { detail })],
    };
  }
  const failed = report.checks.filter((check) => check.result === 'fail').map(({ name }) => name);
  const broken = failed.filter((name) => name !== 'trusted-key' && !SAYS_WHAT.includes(name));
  if (broken.length > 0) return bad('verdict.changed', broken);
  if (failed.includes('trusted-key')) return bad('verdict.otherKey', []);
  if (failed.length > 0) return bad('verdict.contradicts', failed);
  const open = leftOpen(report);
  if (result('trusted-key') !== 'pass') {
    return {
      tone: 'doubt',
      title: phrase('verdict.whose'),
      sentences: [phrase('verdict.whose.text'), ...open],
    };
  }
  if (!isKeyCompared) {
    return {
      tone: 'doubt',
      title: phrase('verdict.link'),
      sentences: [phrase('verdict.link.text'), ...open],
    };
  }
  // Whatever else of the signature chain was not checked: never green by omission.
  const unchecked = SIGNED.filter((name) => result(name) !== 'pass');
  if (open.length > 0 || unchecked.length > 0) {
    return { tone: 'doubt', title: phrase('verdict.partly'), sentences: open };
  }
  return { tone: 'good', title: phrase('verdict.genuine'), sentences: [phrase('verdict.genuine.text')] };
}

const SIGNED: readonly CheckName[] = [
  'format',
  'trusted-key',
  'entry-signatures',
  'entry-positions',
  'checkpoint',
  'inclusion',
];

/** What the receipt says and no check could confirm. */
function leftOpen(report: ReceiptReport): Phrase[] {
  const missing = (name: CheckName): boolean => checkOf(report, name).result === 'not checked';
  const ofSession = report.statements.some(({ kind }) => kind === 'session-begin' || kind === 'session-end');
  const open: Phrase[] = [];
  if (ofSession && missing('session')) open.push(phrase('verdict.open.session'));
  else if (ofSession && missing('energy')) open.push(phrase('verdict.open.energy'));
  if (missing('times')) open.push(phrase('verdict.open.times'));
  if (report.hasOcmf && missing('ocmf')) open.push(phrase('verdict.open.ocmf'));
  return open;
}

function bad(
  title: 'verdict.changed' | 'verdict.otherKey' | 'verdict.contradicts',
  because: CheckName[],
): Verdict {
  return {
    tone: 'bad',
    title: phrase(title),
    sentences: [phrase(`${title}.text`), ...because.map((name) => phrase(`${name}.fail`))],
  };
}

/**
 * Undefined for a receipt that is bad for another reason: what it rests on may stand on a chain, it does not.
 * @param block what the receipt says about its block; null when it has no anchor
 */
export function anchorVerdictOf(report: ReceiptReport, block: AnchorBlock | null): AnchorVerdict | undefined {
  const checks = report.checks.filter(({ name }) => name.startsWith('anchor-'));
  const failed = checks.filter(({ result }) => result === 'fail');
  if (failed.length === 0 && verdictOf(report).tone === 'bad') return undefined;
  if (block === null) {
    return { tone: 'doubt', title: phrase('anchor.none'), sentences: [phrase('anchor.none.text')], block };
  }
  if (failed.length > 0) {
    const why = failed.map(({ name }) => phrase(`${name}.fail`));
    return {
      tone: 'bad',
      title: phrase('anchor.failed'),
      sentences: [phrase('anchor.failed.text'), ...why],
      block,
    };
  }
  const open = checks.some(({ result }) => result === 'not checked') ? [phrase('anchor.open.text')] : [];
  return {
    tone: 'doubt',
    title: phrase('anchor.asked'),
    sentences: [phrase('anchor.asked.text', { number: block.number }), ...open],
    block,
  };
}

export function checkOf({ checks }: ReceiptReport, name: CheckName): Check {
  const found = checks.find((check) => check.name === name);
  if (found === undefined) throw new TypeError(`a report without the check ${name}`);
  return found;
}
