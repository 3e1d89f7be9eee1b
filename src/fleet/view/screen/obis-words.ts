/** What the desk calls the quantities that most meters have; the code says it of every meter. C.D.E of IEC 62056-61. */
const WORDS: Readonly<Record<string, string>> = {
  '1.8.0': 'import',
  '2.8.0': 'export',
  '3.8.0': 'reactive import',
  '4.8.0': 'reactive export',
  '1.7.0': 'power in',
  '2.7.0': 'power out',
  '16.7.0': 'power',
  '13.7.0': 'power factor',
  '14.7.0': 'frequency',
  '31.7.0': 'current L1',
  '51.7.0': 'current L2',
  '71.7.0': 'current L3',
  '91.7.0': 'current N',
  '32.7.0': 'voltage L1',
  '52.7.0': 'voltage L2',
  '72.7.0': 'voltage L3',
  '36.7.0': 'power L1',
  '56.7.0': 'power L2',
  '76.7.0': 'power L3',
};

/** Words for a full code, or nothing. */
export function obisWords(obis: string): string {
  const group = /^\d+-\d+:(\d+\.\d+\.\d+)\*255$/.exec(obis)?.[1] ?? '';
  return Object.hasOwn(WORDS, group) ? (WORDS[group] ?? '') : '';
}
