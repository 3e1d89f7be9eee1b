// npx tsx test/support/meters/model-list.ts: writes the list of models in docs/meters.md anew, after profiles were added.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { format, resolveConfig } from 'prettier';
import { loadProfiles } from '../../../hal/profile/index.ts';

const PAGE = path.resolve(import.meta.dirname, '../../../docs/meters.md');

/** One row for each model, as the page has it but for the blanks that align its columns. */
export async function modelRows(): Promise<string[]> {
  const profiles = await loadProfiles();
  return profiles.map(
    ({ id, maker, model, verified }) => `| \`${id}\` | ${maker} | ${model} | ${verified} |`,
  );
}

if (process.argv[1] === import.meta.filename) {
  const text = readFileSync(PAGE, 'utf8');
  const begin = text.indexOf('| profile ', text.indexOf('## Models known'));
  const head = '| profile | maker | model | verified by |\n| --- | --- | --- | --- |\n';
  const page = `${text.slice(0, begin)}${head}${(await modelRows()).join('\n')}\n`;
  writeFileSync(PAGE, await format(page, { ...(await resolveConfig(PAGE)), filepath: PAGE }));
}
