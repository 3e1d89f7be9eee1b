import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/**
 * Bundles a program of this folder as the product is bundled, so that what compiles TypeScript takes no part of its memory.
 * @returns where it is, for runInChild
 */
export async function bundleProgram(program: string, directory: string): Promise<string> {
  const outfile = path.join(directory, `${path.basename(program, '.ts')}.mjs`);
  const sqlite = createRequire(import.meta.url).resolve('better-sqlite3');
  const require = 'const require = __createRequire(import.meta.url);';
  await build({
    entryPoints: [fileURLToPath(new URL(program, import.meta.url))],
    outfile,
    ...{ bundle: true, format: 'esm', platform: 'node', target: 'node20.19', logLevel: 'error' },
    banner: { js: `import { createRequire as __createRequire } from 'node:module'; ${require}` },
    // A native addon finds its binary beside its own package.
    ...{ alias: { 'better-sqlite3': sqlite }, external: [sqlite] },
  });
  return outfile;
}
