// The packages with a native addon look for it in their own folder, by name of the platform. In the bundle they take it from
// addons/, with src/addon, which says what is wrong when it does not load.
import { readFileSync } from 'node:fs';
import { ROOT } from './root.js';

const NAMESPACE = 'bundled-addon';
/** ws asks for these and does without them. */
const OPTIONAL = /^(bufferutil|utf-8-validate)$/;

/** @param {string} file */
const load = (file) => `require('./src/addon/index.ts').loadAddon(${JSON.stringify(file)})`;

/** @type {import('esbuild').Plugin} */
export const addonPlugin = {
  name: 'addons',
  setup(build) {
    // Only better-sqlite3 uses it, at the first database. Loaded with the package instead: a missing addon is then an error of
    // its own, and not what becomes of a database that cannot be opened.
    build.onResolve({ filter: /^bindings$/ }, () => ({ path: 'bindings', namespace: NAMESPACE }));
    build.onLoad({ filter: /\/better-sqlite3\/lib\/index\.js$/ }, ({ path: file }) => ({
      contents: `require('bindings')();\n${readFileSync(file, 'utf8')}`,
    }));
    build.onLoad({ filter: /^bindings$/, namespace: NAMESPACE }, () => ({
      contents: `const addon = ${load('better_sqlite3.node')};\nmodule.exports = () => addon;`,
      resolveDir: ROOT,
    }));
    build.onLoad({ filter: /\/@serialport\/bindings-cpp\/dist\/serialport-bindings\.js$/ }, () => ({
      contents: `exports.binding = ${load('serialport.node')};`,
      resolveDir: ROOT,
    }));
    build.onResolve({ filter: OPTIONAL }, ({ path }) => ({ path, namespace: NAMESPACE }));
    build.onLoad({ filter: OPTIONAL, namespace: NAMESPACE }, ({ path }) => ({
      contents: `throw new Error('${path} is not part of the bundle');`,
    }));
  },
};
