// node build/where.js [--maps DIR] FILE:LINE:COLUMN …: where in the sources a place of a stack trace from a device is, with the
// source maps of the very build that runs there.
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT } from './root.js';

/**
 * @param {string} place such as `chunk-journal-4XQ2.js:1:2345`, whatever stands before it
 * @param {string} maps
 * @returns {string}
 */
export function whereIs(place, maps) {
  const [, file, line, column] = /([^/\s(]+\.js):(\d+):(\d+)/.exec(place) ?? [];
  if (file === undefined) return `${place}: not FILE:LINE:COLUMN`;
  /** @type {SourceMap} */
  let map;
  try {
    const text = readFileSync(path.join(maps, `${file}.map`), 'utf8');
    map = new SourceMap(/** @type {import('node:module').SourceMapPayload} */ (parse(text)));
  } catch {
    return `${place}: no ${file}.map in ${maps}: is it of another build?`;
  }
  const found = map.findEntry(Number(line) - 1, Number(column) - 1);
  if (!('originalSource' in found)) return `${place}: nothing of ours`;
  const source = path.relative(ROOT, path.resolve(ROOT, 'dist', found.originalSource));
  return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`;
}

/** @param {string} text @returns {unknown} */
function parse(text) {
  return JSON.parse(text);
}

if (process.argv[1] === import.meta.filename) {
  const { values, positionals } = parseArgs({
    options: { maps: { type: 'string' } },
    allowPositionals: true,
  });
  for (const place of positionals) console.log(whereIs(place, path.resolve(values.maps ?? 'dist-maps')));
}
