// licenses/: the texts, and the list for machines, of everything inside the bundle.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { inflateSync } from 'node:zlib';
import { ADDON_PACKAGES } from './addons.js';
import { collectLicenses, licenseFile, sqliteLicense } from './licenses.js';
import { ROOT } from './root.js';
import { rustCrates } from './rust-crates.js';
import { cargoUrl, cycloneDx, npmUrl } from './sbom.js';
import { shippedPackages } from './shipped-packages.js';

/** @typedef {import('./shipped-packages.js').ShippedPackage} ShippedPackage */
/** @typedef {import('./sbom.js').Part} Part */

const SQLITE = 'node_modules/better-sqlite3';

/**
 * @param {{ name: string, version: string, license: string }} product
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @returns {Map<string, Buffer>} file in licenses/ → content; throws a BuildError when a licence has no text
 */
export function describeInside(product, metafiles) {
  const packages = shippedPackages(metafiles, ADDON_PACKAGES);
  const sqlite = sqliteLicense(readFileSync(path.join(ROOT, SQLITE, 'deps/sqlite3/sqlite3.h'), 'utf8'));
  const texts = collectLicenses(packages);
  texts.set(licenseFile(product), readFileSync(path.join(ROOT, 'LICENSE')));
  texts.set(licenseFile({ name: 'sqlite', version: sqlite.version }), Buffer.from(sqlite.text));

  const refs = new Map(packages.map((shipped) => [shipped.folder, npmUrl(shipped)]));
  const direct = new Set(
    metafiles.flatMap(({ inputs }) =>
      Object.entries(inputs)
        .filter(([file]) => !file.includes('node_modules/'))
        .flatMap(([, { imports }]) => imports.map(({ path: target }) => target)),
    ),
  );
  const uses = [...refs].filter(([folder]) => [...direct].some((file) => file.startsWith(`${folder}/`)));
  /** @type {Map<string, Part>} */
  const parts = new Map();
  for (const shipped of packages) {
    const inside = partsOf(shipped, sqlite.version);
    for (const part of inside) if (!parts.has(part.ref)) parts.set(part.ref, part);
    parts.set(npmUrl(shipped), {
      ref: npmUrl(shipped),
      named: shipped,
      license: shipped.license,
      licenseFile: licenseFile(shipped),
      ...sha512(shipped.integrity),
      uses: [
        ...new Set([
          ...shipped.uses.map((folder) => refs.get(folder) ?? ''),
          ...inside.map(({ ref }) => ref),
        ]),
      ],
    });
  }
  // What only the compiler of an addon sees, and no import leads to, is of the product itself.
  const reached = new Set([...parts.values()].flatMap((part) => part.uses));
  const unreached = [...parts.keys()].filter((ref) => !reached.has(ref));
  const sbom = cycloneDx({
    product,
    parts: [...parts.values()],
    uses: [...new Set([...uses.map(([, ref]) => ref), ...unreached])],
  });
  texts.set('sbom.cdx.json', Buffer.from(`${JSON.stringify(sbom, null, 1)}\n`));
  return texts;
}

/**
 * What a package brings with it in compiled form.
 * @param {ShippedPackage} shipped
 * @param {string} sqliteVersion
 * @returns {Part[]}
 */
function partsOf(shipped, sqliteVersion) {
  if (shipped.folder === SQLITE) {
    const named = { name: 'sqlite', version: sqliteVersion };
    return [
      {
        ref: `pkg:generic/sqlite@${sqliteVersion}`,
        named,
        license: 'blessing',
        cpe: `cpe:2.3:a:sqlite:sqlite:${sqliteVersion}:*:*:*:*:*:*:*`,
        licenseFile: licenseFile(named),
        uses: [],
      },
    ];
  }
  return (COMPILED_RUST[shipped.name]?.(path.join(ROOT, shipped.folder)) ?? []).map((crate) => ({
    ref: cargoUrl(crate),
    named: crate,
    remark: `Rust crate named in the compiled code of ${shipped.name}; the package does not state its licence`,
    uses: [],
  }));
}

/**
 * Packages that carry WebAssembly made from Rust, and how their code is unpacked.
 * @type {Readonly<Record<string, (folder: string) => { name: string, version: string }[]>>}
 */
const COMPILED_RUST = {
  smoldot: (folder) => rustCrates(inflateSync(Buffer.from(smoldotBase64(folder), 'base64'))),
};

/** Its bytecode is base64 text in numbered modules. @param {string} folder */
function smoldotBase64(folder) {
  const at = path.join(folder, 'dist/mjs/internals/bytecode');
  return readdirSync(at)
    .filter((file) => /^wasm\d+\.js$/.test(file))
    .sort((a, b) => Number(/\d+/.exec(a)) - Number(/\d+/.exec(b)))
    .map((file) => /"([^"]*)"/.exec(readFileSync(path.join(at, file), 'utf8'))?.[1] ?? '')
    .join('');
}

/** @param {string | undefined} integrity */
function sha512(integrity) {
  const [, base64] = /^sha512-(.+)$/.exec(integrity ?? '') ?? [];
  return base64 === undefined ? {} : { sha512: Buffer.from(base64, 'base64').toString('hex') };
}
