import { isStreamProtocol, STREAM_PROTOCOLS } from '../../hal/contract/index.ts';
import { nearestNames, parseStrictYaml, type Locate, type Problem } from '../../hal/strict-yaml/index.ts';
import { ConfigError } from './errors.ts';
import { parseDayWindow, parseDurationMs, parseSizeBytes } from './quantity.ts';
import { STATION_FILE, type StationFile } from './schema.ts';
import { telemetryContradictions } from './telemetry-contradictions.ts';

/** Facts from outside of this room that a configuration is checked against. */
export interface ConfigContext {
  /** Ids of the meter profiles at hand. Without it profiles are not checked. */
  readonly knownProfiles?: readonly string[];
  /** Those of them whose meters do not tell their serial number. */
  readonly profilesWithoutSerial?: readonly string[];
}

/**
 * Text of a station.yaml to a StationFile that makes sense as a whole.
 * @throws ConfigError `config.invalid` with every problem found, each with its line.
 */
export function parseStationFile(text: string, context: ConfigContext = {}): StationFile {
  const { value, problems, locate } = parseStrictYaml(text, STATION_FILE);
  if (value === undefined) throw invalid(problems);
  const contradictory = contradictions(value, context, locate);
  if (contradictory.length > 0) throw invalid(contradictory);
  return value;
}

function invalid(problems: readonly Problem[]): ConfigError {
  const list = problems.map(
    ({ line, path, message }) => `  line ${line}: ${path === '' ? '' : `${path}: `}${message}`,
  );
  return new ConfigError('config.invalid', `the configuration is not valid:\n${list.join('\n')}`, problems);
}

/** What each key allows by itself and the whole does not. */
function contradictions(file: StationFile, context: ConfigContext, locate: Locate): Problem[] {
  return [
    ...lineContradictions(file, locate),
    ...meterContradictions(file, context, locate),
    ...chainContradictions(file, locate),
    ...identityContradictions(file, locate),
    ...telemetryContradictions(file, locate),
    ...intervalProblems(file, locate),
  ];
}

/** Shorter would flood a line, a flash or a chain; longer is taken for a slip, and would surprise. */
const INTERVALS = {
  every: ['100ms', '24h'],
  groupCommit: ['0ms', '1h'],
  anchorEvery: ['1s', '720h'],
  maxAge: ['1s', '8760h'],
  maxError: ['1ms', '16s'],
} as const;

function intervalProblems({ meters, journal, clock, chain }: StationFile, locate: Locate): Problem[] {
  const check = (text: string | undefined, at: Parameters<Locate>[0], key: keyof typeof INTERVALS) => {
    const [least, most] = INTERVALS[key];
    if (text === undefined) return [];
    if (parseDurationMs(text) < parseDurationMs(least))
      return [locate([...at, key], `must be at least ${least}`)];
    if (parseDurationMs(text) > parseDurationMs(most))
      return [locate([...at, key], `must be at most ${most}`)];
    return [];
  };
  return [
    ...meters.flatMap(({ every }, i) => check(every, ['meters', i], 'every')),
    ...check(journal?.groupCommit, ['journal'], 'groupCommit'),
    ...check(clock?.maxError, ['clock'], 'maxError'),
    ...check(chain?.anchorEvery, ['chain'], 'anchorEvery'),
    ...check(chain?.maxAge, ['chain'], 'maxAge'),
  ];
}

function lineContradictions({ lines }: StationFile, locate: Locate): Problem[] {
  return lines.flatMap((line, i) => {
    const issues: Problem[] = [];
    const kinds = (['serial', 'tcp', 'rtuOverTcp'] as const).filter((kind) => line[kind] !== undefined);
    if (kinds.length !== 1) {
      issues.push(
        locate(
          ['lines', i],
          `needs exactly one of serial, tcp, rtuOverTcp (has ${kinds.join(', ') || 'none'})`,
        ),
      );
    }
    if (line.serial === undefined) {
      for (const key of ['baudRate', 'parity', 'dataBits', 'stopBits'] as const) {
        if (line[key] !== undefined) issues.push(locate(['lines', i, key], 'is for serial lines only'));
      }
    }
    if (lines.findIndex((other) => other.id === line.id) < i) {
      issues.push(locate(['lines', i, 'id'], `"${line.id}" is taken by an earlier line`));
    }
    return issues;
  });
}

function meterContradictions(
  { lines, meters }: StationFile,
  context: ConfigContext,
  locate: Locate,
): Problem[] {
  const lineIds = lines.map((line) => line.id);
  return meters.flatMap((meter, i) => {
    const issues: Problem[] = [];
    const unknown = (key: 'line' | 'profile', what: string, candidates: readonly string[]): void => {
      if (candidates.includes(meter[key])) return;
      const [near] = nearestNames(meter[key], candidates);
      const advice =
        near !== undefined ? `did you mean "${near}"?` : `there are: ${candidates.join(', ') || 'none'}`;
      issues.push(locate(['meters', i, key], `no ${what} "${meter[key]}"; ${advice}`));
    };
    unknown('line', 'line', lineIds);
    if (context.knownProfiles !== undefined) {
      unknown('profile', 'meter profile', [...context.knownProfiles, ...STREAM_PROTOCOLS]);
    }
    if (meters.findIndex((other) => other.id === meter.id) < i) {
      issues.push(locate(['meters', i, 'id'], `"${meter.id}" is taken by an earlier meter`));
    }
    if (meter.serial === undefined && context.profilesWithoutSerial?.includes(meter.profile)) {
      const why = `a ${meter.profile} does not tell its serial number`;
      issues.push(locate(['meters', i], `needs serial, as printed on the meter: ${why}`));
    }
    issues.push(...streamContradictions({ lines, meters }, i, locate));
    const sameUnit = (other: StationFile['meters'][number]): boolean =>
      other.line === meter.line && other.unitId === meter.unitId;
    if (meter.unitId !== undefined && meters.findIndex(sameUnit) < i) {
      issues.push(
        locate(
          ['meters', i, 'unitId'],
          `an earlier meter has unit id ${meter.unitId} on line "${meter.line}"`,
        ),
      );
    }
    return issues;
  });
}

/** What belongs to Modbus meters only, and what to meters that have their line for themselves. */
function streamContradictions(
  { lines, meters }: Pick<StationFile, 'lines' | 'meters'>,
  i: number,
  locate: Locate,
): Problem[] {
  const meter = meters[i];
  if (meter === undefined) return [];
  const issues: Problem[] = [];
  const { profile, readout } = meter;
  if (readout !== undefined && profile !== 'iec62056') {
    issues.push(locate(['meters', i, 'readout'], 'is for profile iec62056 only'));
  }
  if (!isStreamProtocol(profile)) {
    if (meter.unitId === undefined) issues.push(locate(['meters', i], 'needs unitId: it is a Modbus meter'));
    return issues;
  }
  if (meter.unitId !== undefined) {
    issues.push(locate(['meters', i, 'unitId'], `is for Modbus meters only, and ${profile} is none`));
  }
  const line = lines.find(({ id }) => id === meter.line);
  const asks = profile === 'iec62056' && readout !== 'push';
  if (line?.tcp !== undefined || (asks && line?.rtuOverTcp !== undefined)) {
    const what = asks ? `${profile} with readout request` : profile;
    const fit = asks ? 'serial, where the speed can change' : 'serial or rtuOverTcp';
    issues.push(locate(['meters', i, 'line'], `${what} needs a line of kind ${fit}`));
  }
  if (meters.some((other, at) => at !== i && other.line === meter.line)) {
    issues.push(
      locate(
        ['meters', i, 'line'],
        `${profile} needs line "${meter.line}" for itself: another meter is on it`,
      ),
    );
  }
  return issues;
}

/** A seed that is to be made on a token needs to know which one. */
function identityContradictions({ identity }: StationFile, locate: Locate): Problem[] {
  if (identity?.seed !== 'pkcs11') return [];
  return (['module', 'token'] as const)
    .filter((key) => identity.pkcs11?.[key] === undefined)
    .map((key) => locate(['identity', 'seed'], `seed pkcs11 needs pkcs11.${key}`));
}

/** Less would not let a light client catch up once in a day. */
const MIN_BYTES_PER_DAY = 64 * 1024;

function chainContradictions({ chain }: StationFile, locate: Locate): Problem[] {
  if (chain === undefined) return [];
  const { transport, bootNodes, metered } = chain;
  const needed = transport === 'rpc' ? (['url'] as const) : (['paraSpec'] as const);
  const problems = needed
    .filter((key) => chain[key] === undefined)
    .map((key) => locate(['chain', 'transport'], `transport ${transport} needs ${key}`));
  if (transport === 'rpc' && bootNodes !== undefined) {
    problems.push(
      locate(['chain', 'bootNodes'], 'is for transport light-client only: a node is asked at its url'),
    );
  }
  if (metered?.bytesPerDay !== undefined && parseSizeBytes(metered.bytesPerDay) < MIN_BYTES_PER_DAY) {
    problems.push(
      locate(
        ['chain', 'metered', 'bytesPerDay'],
        'must be at least 64KiB: with less nothing is ever anchored',
      ),
    );
  }
  for (const [i, window] of (metered?.windows ?? []).entries()) {
    const { fromMinute, toMinute } = parseDayWindow(window);
    if (fromMinute === toMinute)
      problems.push(locate(['chain', 'metered', 'windows', i], 'begins and ends at the same time'));
  }
  return [...problems, ...callContradictions(chain, locate), ...ageContradictions(chain, locate)];
}

function callContradictions({ call, pallet }: NonNullable<StationFile['chain']>, locate: Locate): Problem[] {
  if (call === 'pallet' && pallet === undefined)
    return [locate(['chain', 'call'], 'call pallet needs pallet.name and pallet.call')];
  if (call !== 'pallet' && pallet !== undefined)
    return [locate(['chain', 'pallet'], 'is heeded with call: pallet only; set that, or remove this')];
  return [];
}

function ageContradictions(
  { anchorEvery = '1h', maxAge }: NonNullable<StationFile['chain']>,
  locate: Locate,
): Problem[] {
  if (maxAge === undefined || parseDurationMs(maxAge) >= parseDurationMs(anchorEvery)) return [];
  return [
    locate(['chain', 'maxAge'], `must be at least anchorEvery (${anchorEvery}): nothing is anchored sooner`),
  ];
}
