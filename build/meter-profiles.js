import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { ROOT } from './root.js';

const MODELS = path.join(ROOT, 'hal/profile/models');

/**
 * Meter profiles as JSON, which is YAML that is read a hundred times faster; under their names, because they stay YAML.
 * @returns {Map<string, Buffer>}
 */
export function buildMeterProfiles() {
  const files = readdirSync(MODELS).filter((name) => name.endsWith('.yaml'));
  return new Map(
    files.map((file) => [
      file,
      Buffer.from(`${JSON.stringify(parse(readFileSync(path.join(MODELS, file), 'utf8')))}\n`),
    ]),
  );
}
