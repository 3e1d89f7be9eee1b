import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import { makeDirectory, removeFile, replaceFile, syncDirectory } from '../durable-file.ts';
import { ProvisioningError } from '../errors.ts';
import {
  afterReset,
  formatState,
  NO_CONFIGURATIONS,
  parseState,
  type ConfigurationState,
} from './probation.ts';
import { MAX_CONFIGURATION_BYTES, sequenceOf } from './signed-configuration.ts';

const FOLDER = 'config';
const STATE_FILE = 'state.json';
const PRESENT_FILE = 'station.cose';
const TRIAL = /^trial-([0-9a-f]{64})\.cose$/;
const MAX_STATE_BYTES = 64 * 1024;

/**
 * Files of a station's signed configurations, in `config/` of the state directory. The state is the word that counts: a trial's
 * file is complete before the state names it, and one that it does not name is nothing.
 */
export class ConfigurationFolder {
  readonly directory: string;

  constructor(stateDirectory: string) {
    this.directory = path.join(stateDirectory, FOLDER);
  }

  get incoming(): string {
    return path.join(this.directory, 'incoming');
  }

  /** Undefined when the file is there and is no state: then what was accepted before is not known. */
  readState(): ConfigurationState | undefined {
    const file = this.#file(STATE_FILE);
    const bytes = readBounded(file, MAX_STATE_BYTES);
    // Never written without the other: one that is gone was there.
    if (bytes === undefined) return existsSync(file) || this.hasPresent() ? undefined : NO_CONFIGURATIONS;
    return parseState(Buffer.from(bytes).toString('utf8'));
  }

  /** Durable when it returns. @throws ProvisioningError `provisioning.config_io` */
  writeState(state: ConfigurationState): void {
    this.#writing(STATE_FILE, () => replaceFile(this.#file(STATE_FILE), formatState(state)));
  }

  /** Out of the way of a new one, and kept. */
  setStateAside(): void {
    this.#writing(STATE_FILE, () => {
      if (!existsSync(this.#file(STATE_FILE))) return;
      renameSync(this.#file(STATE_FILE), this.#file(`${STATE_FILE}.damaged`));
      syncDirectory(this.directory);
    });
  }

  readPresent(): Uint8Array | undefined {
    return readBounded(this.#file(PRESENT_FILE), MAX_CONFIGURATION_BYTES);
  }

  hasPresent(): boolean {
    return existsSync(this.#file(PRESENT_FILE));
  }

  readTrial(id: string): Uint8Array | undefined {
    return readBounded(this.#file(`trial-${id}.cose`), MAX_CONFIGURATION_BYTES);
  }

  /** Durable when it returns. @throws ProvisioningError `provisioning.config_io` */
  writeTrial(id: string, bytes: Uint8Array): void {
    this.#writing('a new configuration', () => replaceFile(this.#file(`trial-${id}.cose`), bytes));
  }

  /** What was on trial is the one in force from here on, in one step. @throws ProvisioningError `provisioning.config_io` */
  promoteTrial(id: string): void {
    this.#writing(PRESENT_FILE, () => {
      renameSync(this.#file(`trial-${id}.cose`), this.#file(PRESENT_FILE));
      syncDirectory(this.directory);
    });
  }

  /** Removes files of trials that the state does not name. @throws ProvisioningError `provisioning.config_io` */
  sweep(except: string | null): void {
    if (!existsSync(this.directory)) return;
    for (const name of readdirSync(this.directory)) {
      const id = TRIAL.exec(name)?.[1];
      const isDraft = /^\..*\.draft$/.test(name);
      if ((id !== undefined && id !== except) || isDraft)
        this.#writing(name, () => removeFile(this.#file(name)));
    }
  }

  /** What is known without a state: the number of the one in force is the least that was accepted. */
  stateOfPresent(): ConfigurationState {
    return { ...NO_CONFIGURATIONS, highestSequence: sequenceOf(this.readPresent()) };
  }

  /** Whatever was brought is gone; the highest number that was ever accepted stays. */
  forgetAll(): void {
    if (!existsSync(this.directory)) return;
    this.writeState(afterReset(this.readState() ?? this.stateOfPresent()));
    for (const name of readdirSync(this.directory)) {
      if (name !== STATE_FILE) rmSync(this.#file(name), { recursive: true, force: true });
    }
    syncDirectory(this.directory);
  }

  #file(name: string): string {
    return path.join(this.directory, name);
  }

  #writing(what: string, work: () => void): void {
    try {
      makeDirectory(this.directory);
      work();
    } catch (cause) {
      throw new ProvisioningError('provisioning.config_io', `cannot write ${what} in ${this.directory}`, {
        cause,
        hint: 'permissions, or a full disk',
      });
    }
  }
}

/**
 * A regular file of at most `maxBytes`; undefined for anything else, a link among them. Never waits: a pipe that somebody put
 * there is no file.
 */
export function readBounded(file: string, maxBytes: number): Uint8Array | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = fstatSync(fd);
    if (!fstatSync(fd).isFile() || size > maxBytes) return undefined;
    const buffer = new Uint8Array(maxBytes + 1);
    let length = 0;
    for (;;) {
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      if (read === 0) return buffer.slice(0, length);
      length += read;
      if (length > maxBytes) return undefined;
    }
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
