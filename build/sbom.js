// What is inside, for machines: CycloneDX 1.6 in JSON. Without a time and a random serial number, so that two builds are equal.

/** @typedef {import('./shipped-packages.js').ShippedPackage} ShippedPackage */
/** @typedef {{ name: string, version: string }} Named */

/**
 * @typedef {object} Part
 * @property {string} ref package URL
 * @property {Named} named
 * @property {string} [license] SPDX
 * @property {string} [cpe]
 * @property {string} [licenseFile] in licenses/
 * @property {string} [sha512] of the package's tarball, hex
 * @property {string} [remark]
 * @property {readonly string[]} uses refs
 */

/**
 * @param {{ product: Named & { license: string }, parts: readonly Part[], uses: readonly string[] }} inside `uses`: refs of what
 *   the product itself imports
 * @returns {Record<string, unknown>}
 */
export function cycloneDx({ product, parts, uses }) {
  const productRef = `pkg:generic/${product.name}@${encodeURIComponent(product.version)}`;
  const sorted = [...parts].sort((a, b) => (a.ref < b.ref ? -1 : 1));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': productRef,
        name: product.name,
        version: product.version,
        licenses: [{ license: { id: product.license } }],
        purl: productRef,
      },
    },
    components: sorted.map(component),
    dependencies: [
      { ref: productRef, dependsOn: [...uses].sort() },
      ...sorted.map(({ ref, uses: others }) => ({ ref, dependsOn: [...others].sort() })),
    ],
  };
}

/** @param {Part} part */
function component({ ref, named, license, cpe, licenseFile, sha512, remark }) {
  const properties = [
    ...(licenseFile === undefined
      ? []
      : [{ name: 'delmonicos:licenseFile', value: `licenses/${licenseFile}` }]),
    ...(remark === undefined ? [] : [{ name: 'delmonicos:remark', value: remark }]),
  ];
  return {
    type: 'library',
    'bom-ref': ref,
    ...scoped(named.name),
    version: named.version,
    ...(sha512 === undefined ? {} : { hashes: [{ alg: 'SHA-512', content: sha512 }] }),
    ...(license === undefined
      ? {}
      : { licenses: [license.includes(' ') ? { expression: license } : { license: { id: license } }] }),
    ...(cpe === undefined ? {} : { cpe }),
    purl: ref,
    ...(properties.length === 0 ? {} : { properties }),
  };
}

/** @param {string} name */
function scoped(name) {
  const [, group, rest] = /^(@[^/]+)\/(.+)$/.exec(name) ?? [];
  return group === undefined ? { name } : { group, name: rest };
}

/** @param {Named} named */
export function npmUrl({ name, version }) {
  return `pkg:npm/${name.replace('@', '%40')}@${encodeURIComponent(version)}`;
}

/** @param {Named} named */
export function cargoUrl({ name, version }) {
  return `pkg:cargo/${name}@${encodeURIComponent(version)}`;
}
