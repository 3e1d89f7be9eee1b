import { readFileSync } from 'node:fs';

/** Version of the product, from its package.json (beside dist/ on a device, at the root in a checkout). */
export function productVersion(): string {
  const file = new URL('../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
