import { parseStationConfig, readStationText, type StationConfig } from './station-config.ts';

/** What a configuration needs to know of the meter models at hand. */
export interface MeterProfiles {
  listProfileIds(): Promise<readonly string[]>;
  loadProfile(id: string): Promise<{ readonly identity: { readonly serial?: unknown } }>;
}

/**
 * The configuration, checked against the meter models that it names; only those are loaded.
 * @throws ConfigError `config.unreadable` or `config.invalid`; whatever `profiles` throws
 */
export async function loadStationConfigWith(profiles: MeterProfiles, path: string): Promise<StationConfig> {
  return await parseStationConfigWith(profiles, readStationText(path));
}

/** The same of a text. @throws ConfigError `config.invalid`; whatever `profiles` throws */
export async function parseStationConfigWith(profiles: MeterProfiles, text: string): Promise<StationConfig> {
  const knownProfiles = await profiles.listProfileIds();
  const { meters } = parseStationConfig(text, { knownProfiles });
  const used = new Set(meters.flatMap((meter) => (meter.kind === 'modbus' ? [meter.profile] : [])));
  const profilesWithoutSerial: string[] = [];
  for (const id of used) {
    const { identity } = await profiles.loadProfile(id);
    if (identity.serial === undefined) profilesWithoutSerial.push(id);
  }
  return parseStationConfig(text, { knownProfiles, profilesWithoutSerial });
}
