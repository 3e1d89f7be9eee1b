import type { Log } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import type { ClockStatus } from '../../journal/index.ts';
import { judgeArrival } from './admit-configuration.ts';
import { ConfigurationFolder } from './configuration-folder.ts';
import { configOf, isRefusal, keysOf, type ConfigurationPlace } from './effective-configuration.ts';
import type { MeterProfiles } from '../../config/index.ts';
import { ProvisioningError } from '../errors.ts';
import { oemKeysBeside, readOemKeys } from './oem-keys.ts';
import {
  beginTrial,
  confirmTrial,
  failTrial,
  newsTold,
  type ConfigurationState,
  type Needs,
} from './probation.ts';
import { readConfiguration, sha256, type ReadConfiguration } from './signed-configuration.ts';

export interface DeskOptions extends ConfigurationPlace {
  readonly profiles: MeterProfiles;
  readonly log: Log;
  /** What the running station is called. */
  readonly stationName: string;
}

export interface ArrivalMoment {
  readonly wallTimeMs: number;
  readonly clockStatus: ClockStatus;
  /** What works now, and must work again under a new configuration. */
  readonly needs: Needs;
}

/** What became of a configuration that was brought. */
export interface ConfigurationResult {
  readonly result: 'accepted' | 'present' | 'refused';
  /** Why not: a stable code. */
  readonly code: string | null;
  readonly message: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly id: string;
  /** As far as it could be read. */
  readonly sequence: number | null;
  readonly signedBy: string | null;
  /** SHA-256 of its YAML text, hexadecimal. */
  readonly digest: string | null;
}

/**
 * Where configurations are brought while the station runs, and judged on. One that is accepted comes into force with the next
 * start, on trial.
 */
export class ConfigurationDesk {
  readonly #options: DeskOptions;
  readonly #folder: ConfigurationFolder;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#folder = new ConfigurationFolder(options.stateDirectory);
  }

  /**
   * Judges one. When this resolves with `accepted`, it is durable, and the next start takes it.
   * Rejects with ProvisioningError `provisioning.config_io` only.
   */
  async receive(bytes: Uint8Array, moment: ArrivalMoment): Promise<ConfigurationResult> {
    const id = sha256(bytes);
    let read: ReadConfiguration | undefined;
    try {
      read = readConfiguration(bytes);
      return await this.#judged(read, bytes, moment);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const code = error instanceof ProvisioningError ? error.code : 'provisioning.config_invalid';
      return { ...told(id, read), result: 'refused', code, message: error.message.slice(0, 2_000) };
    }
  }

  async #judged(
    read: ReadConfiguration,
    bytes: Uint8Array,
    { wallTimeMs, clockStatus, needs }: ArrivalMoment,
  ): Promise<ConfigurationResult> {
    const { stateDirectory, stationName, profiles } = this.#options;
    const oemKeys = this.#oemKeys();
    const state = this.#state();
    const arrival = judgeArrival(read, {
      ...{ oemKeys, stationName, publicKeys: keysOf(stateDirectory, read) },
      highestSequence: state.highestSequence,
      presentId: state.trial?.id ?? this.#presentId(),
      failedId: state.failedId,
      ...{ wallTimeMs, clockStatus },
    });
    if (arrival.verdict === 'refused') throw new ProvisioningError(arrival.code, arrival.why);
    const { signedBy } = arrival;
    const about = { ...told(read.id, read), signedBy, code: null };
    if (arrival.verdict === 'present')
      return { ...about, result: 'present', message: 'it is in force already' };
    const config = await configOf(profiles, read, stationName);
    assertNamed(read, config);
    this.#folder.writeTrial(read.id, bytes);
    const candidate = { id: read.id, sequence: read.content.sequence, signedBy, needs };
    this.#folder.writeState(beginTrial(state, { ...candidate, stationName: config.station.name }));
    return { ...about, result: 'accepted', message: 'it is tried from the next start on' };
  }

  /**
   * The station is as well as it was: what is on trial is the last good one from here on.
   * @param id which one that is; another one that was accepted meanwhile has not been tried
   */
  confirm(id?: string): void {
    const state = this.#state();
    if (state.trial === null || state.trial.id !== (id ?? state.trial.id)) return;
    this.#folder.promoteTrial(state.trial.id);
    this.#folder.writeState(confirmTrial(state));
  }

  /** It is not: the next start takes the one before. */
  rollBack(why: string): void {
    const state = this.#state();
    if (state.trial === null) return;
    this.#folder.writeState(failTrial(state, why));
    this.#folder.sweep(null);
  }

  get onTrial(): ConfigurationState['trial'] {
    return this.#state().trial;
  }

  get news(): ConfigurationState['news'] {
    return this.#state().news;
  }

  /** The news is on record: it need not be told again. */
  newsTold(): void {
    const state = this.#state();
    if (state.news !== null) this.#folder.writeState(newsTold(state));
  }

  /** Whether anybody's configurations would be believed here. */
  get isOpen(): boolean {
    try {
      return this.#oemKeys().length > 0;
    } catch {
      return false;
    }
  }

  get folder(): ConfigurationFolder {
    return this.#folder;
  }

  #oemKeys() {
    const keys = readOemKeys(this.#options.oemKeysPath ?? oemKeysBeside(this.#options.configPath));
    if (keys.length > 0) return keys;
    throw new ProvisioningError('provisioning.no_oem_keys', 'no key of an OEM is installed here', {
      hint: 'the file oem-keys beside the configuration file: docs/provisioning.md',
    });
  }

  #state(): ConfigurationState {
    const state = this.#folder.readState();
    if (state !== undefined) return state;
    throw new ProvisioningError('provisioning.config_state_damaged', 'state.json cannot be read', {
      hint: 'the next start of the service sets it aside',
    });
  }

  #presentId(): string | null {
    const present = this.#folder.readPresent();
    return present === undefined ? null : sha256(present);
  }
}

/** One that is bound to a name must not give the station another: whoever looks at the envelope would be misled. */
function assertNamed({ content }: ReadConfiguration, { station }: StationConfig): void {
  const isBoundToName = content.station !== '*' && !/^[0-9a-fA-F]{64}$/.test(content.station);
  if (isBoundToName && station.name !== content.station)
    throw new ProvisioningError(
      'provisioning.config_invalid',
      `it is for ${content.station}, and its station.name is ${station.name}`,
    );
}

function told(id: string, read: ReadConfiguration | undefined) {
  const sequence = read?.content.sequence ?? null;
  return { id, sequence, signedBy: null, digest: read === undefined ? null : sha256(read.content.yaml) };
}
