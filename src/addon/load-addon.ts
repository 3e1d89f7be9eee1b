import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { ELF_HEADER_BYTES } from './elf-header.ts';
import { whyUnloadable } from './why-unloadable.ts';

const require = createRequire(import.meta.url);

/** Beside the bundle; a run from source takes those of the last build. */
function addonFile(name: string): string {
  const beside = fileURLToPath(new URL(`./addons/${name}`, import.meta.url));
  if (!import.meta.url.endsWith('/src/addon/load-addon.ts')) return beside;
  return fileURLToPath(new URL(`../../dist/addons/${name}`, import.meta.url));
}

/**
 * Loads `addons/<name>` of the bundle. Throws `addon.missing`, `addon.wrong_arch`, `addon.wrong_node` or `addon.unloadable`,
 * which name the file and the architecture that this machine needs.
 */
export function loadAddon(name: string, file = addonFile(name)): unknown {
  try {
    return require(file) as unknown;
  } catch (cause) {
    const header = existsSync(file) ? firstBytes(file) : undefined;
    throw whyUnloadable({ file, header, arch: process.arch, nodeVersion: process.version, cause });
  }
}

function firstBytes(file: string): Uint8Array {
  const bytes = new Uint8Array(ELF_HEADER_BYTES);
  let descriptor: number | undefined;
  try {
    descriptor = openSync(file, 'r');
    return bytes.subarray(0, readSync(descriptor, bytes));
  } catch {
    return bytes.subarray(0, 0);
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
}
