import type { Log } from '../../../hal/contract/index.ts';
import { ConfigError, parseStationConfigWith, readStationText } from '../../config/index.ts';
import type { MeterProfiles, StationConfig } from '../../config/index.ts';
import { JournalError, openJournalReader, type NoteKey } from '../../journal/index.ts';
import { admit } from './admit-configuration.ts';
import { ConfigurationFolder } from './configuration-folder.ts';
import { ProvisioningError } from '../errors.ts';
import { oemKeysBeside, readOemKeys } from './oem-keys.ts';
import { confirmTrial, countStart, failTrial } from './probation.ts';
import type { ConfigurationNews, ConfigurationState } from './probation.ts';
import { ANY_STATION, readConfiguration, sha256, type ReadConfiguration } from './signed-configuration.ts';

export interface ConfigurationPlace {
  /** The file given by `--config`. */
  readonly configPath: string;
  readonly stateDirectory: string;
  /** Default: `oem-keys` beside the configuration file. */
  readonly oemKeysPath?: string | undefined;
}

export interface EffectiveOptions extends ConfigurationPlace {
  readonly profiles: MeterProfiles;
  readonly log: Log;
  /**
   * `start`: the service is about to start with it: what a power cut left is put in order, and the start of a configuration on
   * trial is counted. `look`: nothing is changed, for whoever may only read.
   */
  readonly purpose: 'start' | 'look';
}

/** The configuration to go by, and where it comes from. */
export interface EffectiveConfiguration {
  readonly config: StationConfig;
  readonly source: 'file' | 'signed';
  /** SHA-256 of its YAML text, hexadecimal. */
  readonly digest: string;
  /** Of a signed one. */
  readonly sequence: number | null;
  /** Of a signed one: name and key id of the OEM's key. */
  readonly signedBy: string | null;
  /** It has still to show that the station is as well with it as with the one before. */
  readonly onTrial: boolean;
  /** What is wrong with configurations that should have been gone by instead. */
  readonly problems: readonly ConfigurationProblem[];
  /** What became of the last one that was on trial, as long as it was not put on record. */
  readonly news: ConfigurationNews | null;
}

export interface ConfigurationProblem {
  readonly code: string;
  readonly message: string;
}

type Found = Pick<
  EffectiveConfiguration,
  'config' | 'source' | 'digest' | 'sequence' | 'signedBy' | 'onTrial'
>;

/**
 * The configuration on trial, otherwise the last good one that the OEM signed, otherwise the file. A signed one is verified anew
 * each time; one that does not hold any more is passed over and is among the problems.
 * @throws ConfigError when no signed one holds and the file does not either; ProvisioningError `provisioning.config_io`
 */
export async function effectiveConfiguration(options: EffectiveOptions): Promise<EffectiveConfiguration> {
  const search = new Search(options);
  const found = (await search.onTrial()) ?? (await search.signed()) ?? (await search.file());
  return { ...found, problems: search.problems, news: search.state.news };
}

class Search {
  readonly problems: ConfigurationProblem[] = [];
  state: ConfigurationState;
  readonly #options: EffectiveOptions;
  readonly #folder: ConfigurationFolder;
  readonly #oemKeys: readonly NoteKey[];
  #local: Promise<StationConfig | ConfigError> | undefined;

  constructor(options: EffectiveOptions) {
    this.#options = options;
    this.#folder = new ConfigurationFolder(options.stateDirectory);
    this.#oemKeys = this.#readKeys();
    this.state = this.#readState();
    if (options.purpose === 'start') this.#settle();
  }

  async onTrial(): Promise<Found | undefined> {
    const { trial } = this.state;
    if (trial === null) return undefined;
    if (this.#options.purpose === 'start') {
      const counted = countStart(this.state);
      if (counted === undefined)
        return this.#failed(`${trial.starts} starts, and it was never as well as before`);
      this.#write(counted);
    }
    const bytes = this.#folder.readTrial(trial.id);
    if (bytes === undefined) return this.#failed('its file is gone');
    try {
      return { ...(await this.#believed(bytes)), onTrial: true };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return this.#failed(`${error.code}: ${error.message}`);
    }
  }

  async signed(): Promise<Found | undefined> {
    if (!this.#folder.hasPresent()) return undefined;
    const bytes = this.#folder.readPresent();
    try {
      if (bytes === undefined)
        throw new ProvisioningError('provisioning.config_malformed', 'station.cose cannot be read');
      return { ...(await this.#believed(bytes)), onTrial: false };
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#problem(error.code, `the signed configuration is not gone by: ${error.message}`);
      return undefined;
    }
  }

  async file(): Promise<Found> {
    const config = await this.#localConfig();
    if (config instanceof ConfigError) throw config;
    const digest = sha256(readStationText(this.#options.configPath));
    return { config, source: 'file', digest, sequence: null, signedBy: null, onTrial: false };
  }

  async #believed(bytes: Uint8Array): Promise<Omit<Found, 'onTrial'>> {
    const configuration = readConfiguration(bytes);
    const { content } = configuration;
    const own = await this.#ownName();
    const publicKeys = keysOf(this.#options.stateDirectory, configuration);
    const admission = admit(configuration, { oemKeys: this.#oemKeys, stationName: own ?? '', publicKeys });
    if (admission.verdict === 'refused') throw new ProvisioningError(admission.code, admission.why);
    const config = await configOf(this.#options.profiles, configuration, own);
    const { signedBy } = admission;
    return { config, source: 'signed', digest: sha256(content.yaml), sequence: content.sequence, signedBy };
  }

  /** What a station is called: as a configuration that is bound to its key said, otherwise as the file says. */
  async #ownName(): Promise<string | undefined> {
    if (this.state.stationName !== null) return this.state.stationName;
    const local = await this.#localConfig();
    return local instanceof ConfigError ? undefined : local.station.name;
  }

  #localConfig(): Promise<StationConfig | ConfigError> {
    this.#local ??= (async () => {
      try {
        return await parseStationConfigWith(
          this.#options.profiles,
          readStationText(this.#options.configPath),
        );
      } catch (error) {
        if (error instanceof ConfigError) return error;
        throw error;
      }
    })();
    return this.#local;
  }

  #readKeys(): readonly NoteKey[] {
    try {
      return readOemKeys(this.#options.oemKeysPath ?? oemKeysBeside(this.#options.configPath));
    } catch (error) {
      if (!(error instanceof ProvisioningError)) throw error;
      this.#problem(error.code, error.message);
      return [];
    }
  }

  #readState(): ConfigurationState {
    const state = this.#folder.readState();
    if (state !== undefined) return state;
    this.#problem(
      'provisioning.config_state_damaged',
      'what was accepted before is not known: the number of the signed configuration here is the least that is accepted',
    );
    const known = this.#folder.stateOfPresent();
    if (this.#options.purpose === 'start') {
      this.#folder.setStateAside();
      this.#folder.writeState(known);
    }
    return known;
  }

  /** A power cut between a trial's file and the state is decided by what is there. */
  #settle(): void {
    const { trial } = this.state;
    if (trial !== null && this.#folder.readTrial(trial.id) === undefined) {
      const present = this.#folder.readPresent();
      const isPromoted = present !== undefined && sha256(present) === trial.id;
      this.#write(isPromoted ? confirmTrial(this.state) : failTrial(this.state, 'its file is gone'));
    }
    this.#folder.sweep(this.state.trial?.id ?? null);
  }

  #failed(why: string): undefined {
    this.#problem('provisioning.config_rolled_back', `configuration ${this.state.trial?.sequence}: ${why}`);
    this.#write(failTrial(this.state, why));
    if (this.#options.purpose === 'start') this.#folder.sweep(null);
    return undefined;
  }

  #write(state: ConfigurationState): void {
    this.state = state;
    if (this.#options.purpose === 'start') this.#folder.writeState(state);
  }

  #problem(code: string, message: string): void {
    this.problems.push({ code, message });
    this.#options.log('error', 'config.problem', { code, why: message });
  }
}

/** What it says, under the station's own name where it is for any station. @throws ConfigError `config.invalid` */
export async function configOf(
  profiles: MeterProfiles,
  { content }: ReadConfiguration,
  ownName: string | undefined,
): Promise<StationConfig> {
  const config = await parseStationConfigWith(profiles, content.yaml);
  if (content.station !== ANY_STATION || ownName === undefined) return config;
  return { ...config, station: { ...config.station, name: ownName } };
}

/** Every key that the station's log was ever signed with; asked only for a configuration that is bound to a key. */
export function keysOf(stateDirectory: string, { content }: ReadConfiguration): string[] {
  if (!/^[0-9a-fA-F]{64}$/.test(content.station)) return [];
  try {
    const reader = openJournalReader(stateDirectory);
    try {
      return reader.keys.keys.map(({ publicKey }) => Buffer.from(publicKey).toString('hex'));
    } finally {
      reader.close();
    }
  } catch (error) {
    if (error instanceof JournalError) return [];
    throw error;
  }
}

export function isRefusal(error: unknown): error is ProvisioningError | ConfigError {
  return (
    error instanceof ConfigError ||
    (error instanceof ProvisioningError && error.code !== 'provisioning.config_io')
  );
}
