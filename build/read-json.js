import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from './root.js';

/** @param {string} file relative to the root @returns {unknown} */
export function readJson(file) {
  return JSON.parse(readFileSync(path.join(ROOT, file), 'utf8'));
}
