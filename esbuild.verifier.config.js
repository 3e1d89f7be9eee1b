// Builds the receipt verifier for a browser: one HTML file with everything inside, dist/verifier.html. It runs from a
// file:// address without a network; its policy forbids everything but the script and the style that it carries
// (docs/decisions/0013-a-verifier-in-one-file.md).
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { ROOT } from './build/root.js';

const PAGE = 'src/verifier-page';
/** Whose node:crypto is exchanged: what the page verifies with. Another file that it comes to use fails the build. */
const VERIFIES = [
  'src/journal/entry/ed25519.ts',
  'src/journal/note/signed-note.ts',
  'src/journal/tree/merkle-tree.ts',
  'src/identity/ed25519.ts',
];

/**
 * Our modules do nothing when they are imported, so what the page does not use of a room is left out, and with it what
 * that part imports. What remains of Node has a stand-in here; anything else of Node fails the build.
 * @type {import('esbuild').Plugin}
 */
const forBrowser = {
  name: 'for-browser',
  setup(esbuild) {
    esbuild.onResolve({ filter: /^\./ }, async ({ path: specifier, pluginData, ...rest }) => {
      if (pluginData === forBrowser || rest.kind === 'entry-point') return undefined;
      const found = await esbuild.resolve(specifier, { ...rest, pluginData: forBrowser });
      return found.path.includes('node_modules') ? found : { ...found, sideEffects: false };
    });
    esbuild.onResolve({ filter: /^node:crypto$/ }, ({ importer }) =>
      VERIFIES.some((file) => importer.endsWith(`/${file}`))
        ? { path: path.join(ROOT, PAGE, 'browser/node-crypto.ts'), sideEffects: false }
        : undefined,
    );
    // Packages and Node modules of parts that the page does not use: they may be named, and must not be left over.
    esbuild.onResolve({ filter: /^(node:|better-sqlite3$)/ }, ({ path: specifier }) => ({
      path: specifier,
      external: true,
      sideEffects: false,
    }));
  },
};

/** @returns {Promise<{ html: string, metafile: import('esbuild').Metafile }>} */
export async function renderVerifier() {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: { verifier: `${PAGE}/main.ts` },
    outdir: 'dist',
    write: false,
    bundle: true,
    format: 'iife',
    platform: 'browser',
    target: ['chrome100', 'firefox100', 'safari15.4'],
    minify: true,
    metafile: true,
    legalComments: 'none',
    charset: 'ascii',
    define: { 'process.env.NODE_ENV': '"production"' },
    inject: [`./${PAGE}/browser/buffer.ts`],
    plugins: [forBrowser],
    logLevel: 'warning',
  });
  const style = await build({
    absWorkingDir: ROOT,
    entryPoints: [`${PAGE}/page.css`],
    write: false,
    minify: true,
    target: ['chrome100', 'firefox100', 'safari15.4'],
  });
  const outputs = Object.values(result.metafile.outputs);
  const left = outputs.flatMap(({ imports }) => imports.map(({ path: specifier }) => specifier));
  if (left.length > 0) throw new Error(`the verifier page would need ${[...new Set(left)].join(', ')}`);
  const html = page(result.outputFiles[0]?.text ?? '', style.outputFiles[0]?.text ?? '');
  return { html, metafile: result.metafile };
}

/** @param {string} outfile @returns {Promise<{ bytes: number, inputs: string[] }>} */
export async function buildVerifier(outfile = 'dist/verifier.html') {
  const { html, metafile } = await renderVerifier();
  // Renamed into its place: whoever reads meanwhile finds a whole file.
  mkdirSync(path.dirname(outfile), { recursive: true });
  const draft = `${outfile}.${process.pid}.draft`;
  writeFileSync(draft, html);
  renameSync(draft, outfile);
  return {
    bytes: Buffer.byteLength(html),
    inputs: Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs)),
  };
}

/** @param {string} script @param {string} style */
function page(script, style) {
  // `</script` would end the element that holds it; in a string or a regular expression it can be written otherwise.
  const code = script.trim().replaceAll('</script', '<\\/script');
  const css = style.trim();
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(code)}`,
    `style-src ${hashSource(css)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  return readFileSync(path.join(ROOT, PAGE, 'page.html'), 'utf8')
    .replace('{{policy}}', () => policy)
    .replace('<!-- style -->', () => `<style>${css}</style>`)
    .replace('<!-- script -->', () => `<script>${code}</script>`);
}

/** @param {string} content */
function hashSource(content) {
  return `'sha256-${createHash('sha256').update(content).digest('base64')}'`;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { bytes } = await buildVerifier();
  if (!process.argv.includes('--quiet'))
    console.log(`built: ${(bytes / 1024).toFixed(0)} KiB  dist/verifier.html`);
}
