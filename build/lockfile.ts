// npm run lockfile: gives every package of package-lock.json its place in the public registry, where npm has left it out.
// The place follows from name and version. Yocto's npmsw fetcher silently skips a package that has none.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const REGISTRY = 'https://registry.npmjs.org';
const INSIDE = 'node_modules/';

export interface LockedPackage {
  /** Only where the folder's name is not the package's own: an alias. */
  readonly name?: string;
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
}

/** Where the public registry keeps the package that the lockfile has under `folder` (`node_modules/a/node_modules/@b/c`). */
export function tarballUrl(folder: string, { name, version }: LockedPackage): string {
  const whole = name ?? folder.slice(folder.lastIndexOf(INSIDE) + INSIDE.length);
  return `${REGISTRY}/${whole}/-/${path.posix.basename(whole)}-${version}.tgz`;
}

/** The lockfile's text with a `resolved` in each package that has an integrity, after its version, where npm writes it. */
export function withPlaces(text: string): string {
  const lock = JSON.parse(text) as { packages: Record<string, LockedPackage> };
  for (const [folder, entry] of Object.entries(lock.packages)) {
    if (folder === '' || entry.integrity === undefined) continue;
    const resolved = tarballUrl(folder, entry);
    const ordered = Object.entries(entry)
      .filter(([key]) => key !== 'resolved')
      .flatMap(([key, value]) => {
        const pair: [string, unknown] = [key, value];
        return key === 'version' ? [pair, ['resolved', resolved]] : [pair];
      });
    lock.packages[folder] = Object.fromEntries(ordered) as LockedPackage;
  }
  return `${JSON.stringify(lock, null, 2)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const file = path.resolve(import.meta.dirname, '../package-lock.json');
  writeFileSync(file, withPlaces(readFileSync(file, 'utf8')));
}
