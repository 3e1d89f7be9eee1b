// The JavaScript of the bundle: core and command line, gateway, and the chunks they share or load when they need them.
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { addonPlugin } from './addon-plugin.js';
import { BuildError } from './build-error.js';
import { mqttPlugin } from './mqtt-plugin.js';
import { ROOT } from './root.js';

/** @typedef {import('esbuild').Metafile} Metafile */

/**
 * @param {string} version of the product
 * @returns {Promise<{ code: Map<string, Buffer>, maps: Map<string, Buffer>, metafile: Metafile }>}
 */
export async function buildJavaScript(version) {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: { delmonicos: 'src/main.ts', gateway: 'src/chain/gateway/main.ts' },
    outdir: 'dist',
    write: false,
    bundle: true,
    splitting: true,
    chunkNames: 'chunk-[name]-[hash]',
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minify: true,
    keepNames: true,
    // Apart, and not named in the code: a device has none.
    sourcemap: 'external',
    metafile: true,
    // All of them are in licenses/.
    legalComments: 'none',
    define: { PRODUCT_VERSION: JSON.stringify(version) },
    plugins: [addonPlugin, mqttPlugin],
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  });
  refuseForeignImports(result.metafile);
  /** @type {Map<string, Buffer>} */
  const code = new Map();
  /** @type {Map<string, Buffer>} */
  const maps = new Map();
  for (const { path: file, contents } of result.outputFiles) {
    const name = path.basename(file);
    (name.endsWith('.map') ? maps : code).set(name, Buffer.from(contents));
  }
  return { code, maps, metafile: result.metafile };
}

/** What is left to be found at run time is Node's own, or the bundle would need a node_modules. @param {Metafile} metafile */
function refuseForeignImports({ outputs }) {
  const left = Object.values(outputs)
    .flatMap(({ imports }) => imports)
    .filter(({ external, path: specifier }) => external === true && !isBuiltin(specifier))
    .map(({ path: specifier }) => specifier);
  if (left.length > 0) throw new BuildError(`the bundle would need ${[...new Set(left)].join(', ')}`);
}
