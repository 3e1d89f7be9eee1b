import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { listProfileIds, loadProfile } from '../../hal/profile/index.ts';
import { loadStationConfigWith, type StationConfig } from '../config/index.ts';
import { profilesOf, type Profiles } from './open-meters.ts';

/** A configuration that can be started with, whatever becomes of its file meanwhile. */
export interface Configuration {
  readonly config: StationConfig;
  /** SHA-256 of its text, hexadecimal. */
  readonly digest: string;
  readonly profiles: Profiles;
}

export interface ConfigurationPlace {
  readonly configPath: string;
}

/**
 * Reads and checks the configuration, and all that can be checked before anything is opened.
 * @throws ConfigError `config.unreadable`, `config.invalid`; ProfileError
 */
export async function loadConfiguration({ configPath }: ConfigurationPlace): Promise<Configuration> {
  const config = await loadStationConfigWith({ listProfileIds, loadProfile }, configPath);
  const digest = createHash('sha256').update(readFileSync(configPath)).digest('hex');
  return { config, digest, profiles: await profilesOf(config) };
}
