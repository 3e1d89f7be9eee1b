import { readFileSync } from 'node:fs';

/** What the build puts in its place; a run from source has none. */
declare const PRODUCT_VERSION: string | undefined;

/** Version of the product, from package.json: as it was when the bundle was built. */
export function productVersion(): string {
  if (typeof PRODUCT_VERSION === 'string') return PRODUCT_VERSION;
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
