import * as v from 'valibot';

// What a station remembers of the configurations it was given, and how one becomes the one to go by. No I/O, no clock.

/** Starts that a new configuration gets to show that the station is well with it; a power cut costs one. */
export const MAX_TRIALS = 3;

const HEX_SHA256 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const SEQUENCE = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const SHORT_TEXT = v.pipe(v.string(), v.maxLength(2_048));
const NAMED = { id: HEX_SHA256, sequence: SEQUENCE, signedBy: SHORT_TEXT };

const NEWS = v.strictObject({
  ...NAMED,
  what: v.picklist(['confirmed', 'rolled-back']),
  why: SHORT_TEXT,
});

const STATE = v.strictObject({
  format: v.literal('delmonicos-configurations/v1'),
  highestSequence: SEQUENCE,
  /** As the last confirmed configuration says; one that is for any station leaves it. */
  stationName: v.nullable(SHORT_TEXT),
  trial: v.nullable(
    v.strictObject({
      ...NAMED,
      /** What the station is called with it. */
      stationName: SHORT_TEXT,
      /** Starts that were begun with it. */
      starts: SEQUENCE,
      /** What worked under the one before, and must work again. */
      needs: v.strictObject({ broker: v.boolean(), meters: v.boolean() }),
    }),
  ),
  failedId: v.nullable(HEX_SHA256),
  /** What happened while no journal was open: told, and put on record, by the next start. */
  news: v.nullable(NEWS),
});

export type ConfigurationState = v.InferOutput<typeof STATE>;
export type Trial = NonNullable<ConfigurationState['trial']>;
export type ConfigurationNews = v.InferOutput<typeof NEWS>;
/** What worked when the configuration was changed. */
export type Needs = Trial['needs'];

export const NO_CONFIGURATIONS: ConfigurationState = {
  format: 'delmonicos-configurations/v1',
  highestSequence: 0,
  stationName: null,
  trial: null,
  failedId: null,
  news: null,
};

export function formatState(state: ConfigurationState): string {
  return `${JSON.stringify(state)}\n`;
}

/** Undefined for what `formatState` would not have written. */
export function parseState(text: string): ConfigurationState | undefined {
  try {
    const parsed = v.safeParse(STATE, JSON.parse(text));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}

/** One that arrives while another is on trial takes its place; what must work again is what worked before both. */
export function beginTrial(
  state: ConfigurationState,
  candidate: Pick<Trial, 'id' | 'sequence' | 'signedBy' | 'stationName' | 'needs'>,
): ConfigurationState {
  return {
    ...state,
    highestSequence: Math.max(state.highestSequence, candidate.sequence),
    trial: { ...candidate, needs: state.trial?.needs ?? candidate.needs, starts: 0 },
  };
}

/** A start that is about to be made with what is on trial: undefined when it had all its starts. */
export function countStart(state: ConfigurationState): ConfigurationState | undefined {
  if (state.trial === null) return state;
  if (state.trial.starts >= MAX_TRIALS) return undefined;
  return { ...state, trial: { ...state.trial, starts: state.trial.starts + 1 } };
}

/** The station got well with what was on trial, and is called from here on as that says. */
export function confirmTrial(state: ConfigurationState): ConfigurationState {
  if (state.trial === null) return state;
  const { stationName } = state.trial;
  const news = newsOf(state.trial, 'confirmed', 'the station is as well as it was');
  return { ...state, trial: null, stationName, news };
}

/** It did not: the one before is in force again. */
export function failTrial(state: ConfigurationState, why: string): ConfigurationState {
  if (state.trial === null) return state;
  return { ...state, trial: null, failedId: state.trial.id, news: newsOf(state.trial, 'rolled-back', why) };
}

function newsOf(
  { id, sequence, signedBy }: Trial,
  what: ConfigurationNews['what'],
  why: string,
): ConfigurationNews {
  return { id, sequence, signedBy, what, why: why.slice(0, 1_000) };
}

export function newsTold(state: ConfigurationState): ConfigurationState {
  return { ...state, news: null };
}

/**
 * After a factory reset nothing of the former owner's is left but this: a configuration that is older than what was once
 * accepted here must not come back with an old stick.
 */
export function afterReset({ highestSequence }: ConfigurationState): ConfigurationState {
  return { ...NO_CONFIGURATIONS, highestSequence };
}

/** How the station does with what is on trial. */
export interface TrialFacts {
  readonly evidenceStored: boolean;
  readonly brokerConnected: boolean;
  readonly meterAnswering: boolean;
}

/** What is missing for the station to be as well as it was; empty: nothing. */
export function missing(needs: Needs, facts: TrialFacts): string[] {
  return [
    ...(facts.evidenceStored ? [] : ['nothing was stored']),
    ...(needs.broker && !facts.brokerConnected ? ['the broker is not reached any more'] : []),
    ...(needs.meters && !facts.meterAnswering ? ['no meter answers any more'] : []),
  ];
}
