import { createHash } from 'node:crypto';
import { closeSync, constants, openSync, readFileSync, writeSync } from 'node:fs';
import type { SealKind } from '../../identity/index.ts';
import type { SeedHome } from '../../provisioning/index.ts';
import { note, print, printJson } from '../output.ts';
import { productVersion } from '../product-version.ts';
import { stateDirectory } from '../state-directory.ts';
import { recordDocument } from './record.ts';
import { finishReset } from './reset.ts';

export interface PlaceOptions {
  readonly state?: string;
  readonly config?: string;
  readonly out: string;
  readonly credential: string;
  readonly json?: true;
}

export interface FirstBootOptions extends PlaceOptions {
  readonly seal: 'credential' | SealKind;
  readonly withKey: string;
  readonly pcrs?: string;
  readonly tcti?: string;
  readonly module?: string;
  readonly token?: string;
  readonly console?: string;
}

export async function provisionFirstBoot(options: FirstBootOptions): Promise<void> {
  const [{ assertNoReset, CredentialSeed, firstBoot, unfinishedResetOf }, { readKernelBootId }] =
    await Promise.all([import('../../provisioning/index.ts'), import('../../journal/index.ts')]);
  const directory = stateDirectory(options.state);
  if (unfinishedResetOf(directory) !== undefined) await finishReset(options);
  assertNoReset(directory);
  const { out, tcti, module, token, pcrs } = options;
  const credential = new CredentialSeed({
    file: options.credential,
    key: options.withKey,
    pcrs: pcrs ?? '',
    warn: note,
  });
  const seed: SeedHome =
    options.seal === 'credential'
      ? { kind: 'credential', credential }
      : { kind: options.seal, options: { tpm: { tcti, pcrs }, pkcs11: { module, token } } };
  const config = await configFacts(options.config);
  const made = await firstBoot({
    ...{ stateDirectory: directory, outDirectory: out, seed, ss58Prefix: config.ss58Prefix },
    about: {
      ...config.about,
      ...known('hardwareSerial', hardwareSerial()),
      ...known('bundleDigest', digestOf(new URL('./bundle.json', import.meta.url))),
    },
    software: `delmonicos-inside ${productVersion()}`,
    // Nobody asked what the clock is worth; the record says so.
    ...{ timeMs: Date.now(), clockStatus: 'U', bootId: readKernelBootId() },
  });
  if (options.console !== undefined) showOn(options.console, made.text);
  note(made.madeSeed ? `made and sealed the root seed (${made.record.seedKind})` : 'the root seed was there');
  if (options.json === true) return printJson({ ...recordDocument(made.record), uri: made.uri });
  print(made.text.trimEnd());
}

/** A configuration that cannot be read is no reason not to have a key: the record says less then. */
async function configFacts(file: string | undefined) {
  const { GENERIC_SS58_PREFIX: ss58Prefix, loadStationConfig } = await import('../../config/index.ts');
  if (file === undefined) return { ss58Prefix, about: {} };
  try {
    const { chain, station } = loadStationConfig(file);
    const configDigest = digestOf(file);
    const about = { stationName: station.name, ...known('configDigest', configDigest) };
    return { ss58Prefix: chain?.ss58Prefix ?? ss58Prefix, about };
  } catch (error) {
    note(`goes on without ${file}: ${(error as Error).message}`);
    return { ss58Prefix, about: {} };
  }
}

function known<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): Partial<Record<Name, Value>> {
  return value === undefined ? {} : ({ [name]: value } as Record<Name, Value>);
}

/** Devicetree Specification §2.3 puts it there; it ends with a NUL. */
function hardwareSerial(): string | undefined {
  try {
    const text = readFileSync('/proc/device-tree/serial-number', 'utf8').replace(/\0.*$/s, '');
    return /^[\x21-\x7e]{1,128}$/.test(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(file: string | URL): Uint8Array | undefined {
  try {
    return new Uint8Array(createHash('sha256').update(readFileSync(file)).digest());
  } catch {
    return undefined;
  }
}

/** A console that is not there, or that nobody reads, is no reason to fail. */
function showOn(file: string, text: string): void {
  try {
    const fd = openSync(file, constants.O_WRONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
    try {
      writeSync(fd, `\n${text}\n`);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    note(`not shown on ${file}: ${(error as Error).message}`);
  }
}
