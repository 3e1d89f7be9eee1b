import { SaxesParser } from 'saxes';
import { malformed } from './errors.ts';

/** One signed value of the transparency software's XML, nothing of it judged. */
export interface XmlValue {
  readonly data: string;
  readonly format: string | undefined;
  readonly encoding: string | undefined;
  readonly publicKey: string | undefined;
  readonly transactionId: string | undefined;
}

/** The format has three levels. Bounds the parser's stack. */
const MAX_DEPTH = 16;

/** `encodedData` is the name in files of older versions. */
const DATA_NAMES: ReadonlySet<string> = new Set(['signeddata', 'encodeddata']);
const KEY_NAME = 'publickey';
const VALUE_NAME = 'value';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  text: string;
}

/**
 * The input format of the S.A.F.E. transparency software: `values` of `value` with `signedData` (or `encodedData`) and
 * `publicKey`, as escaped text or CDATA; also lone `signedData` elements one after the other, as makers send them. There is
 * no document type declaration in it, and one is refused: nothing is ever expanded but XML's own five entities.
 * @returns the values, and the text that stands outside of all elements
 * @throws OcmfError `ocmf.malformed`
 */
export function readTransparencyXml(text: string): { values: readonly XmlValue[]; rest: string } {
  const values: XmlValue[] = [];
  const open: Element[] = [];
  let rest = '';
  let inValue: { data: Omit<XmlValue, 'publicKey'>[]; publicKey: string | undefined } = empty();
  const flush = (): void => {
    for (const one of inValue.data) values.push({ ...one, publicKey: inValue.publicKey });
    inValue = empty();
  };
  const onText = (more: string): void => {
    const element = open.at(-1);
    if (element === undefined) rest += more;
    else element.text += more;
  };
  // A fragment has several roots, and text beside them; what declares itself XML is a whole document.
  const fragment = !text.startsWith('<?xml');
  const parser = new SaxesParser({ fragment, position: true, xmlns: false });
  parser.on('error', (error) => {
    throw malformed(`it is no well-formed XML: ${error.message}`);
  });
  parser.on('doctype', () => {
    throw malformed('an XML file of records has no document type declaration');
  });
  parser.on('opentag', ({ name, attributes }) => {
    if (open.length >= MAX_DEPTH) throw malformed(`XML nested deeper than ${MAX_DEPTH}`);
    open.push({ name: localName(name), attributes, text: '' });
    if (localName(name) === VALUE_NAME) flush();
  });
  parser.on('text', onText);
  parser.on('cdata', onText);
  parser.on('closetag', () => {
    const element = open.pop();
    if (element === undefined) return;
    if (DATA_NAMES.has(element.name)) inValue.data.push(dataOf(element, open));
    if (element.name === KEY_NAME) inValue.publicKey = element.text.trim() || undefined;
    if (element.name === VALUE_NAME) flush();
  });
  parser.write(text).close();
  flush();
  return { values, rest };
}

function empty(): { data: Omit<XmlValue, 'publicKey'>[]; publicKey: string | undefined } {
  return { data: [], publicKey: undefined };
}

function dataOf(element: Element, around: readonly Element[]): Omit<XmlValue, 'publicKey'> {
  const { format, encoding } = element.attributes;
  // The innermost says it: a session's number stands at the value in newer files, at the data in older ones.
  const transactionId = [...around]
    .reverse()
    .concat(element)
    .map(({ attributes }) => attributes['transactionId'])
    .find((id) => id !== undefined && id.trim() !== '');
  return { data: element.text, format, encoding, transactionId };
}

function localName(name: string): string {
  return (name.split(':').at(-1) ?? name).toLowerCase();
}
