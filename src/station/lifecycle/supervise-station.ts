import { StationError, type Log, type MonotonicClock } from '../../../hal/contract/index.ts';
import { keepWatchdog, type Liveness, type ServiceNotify } from '../../service/index.ts';
import type { Configuration } from '../configuration/load-configuration.ts';
import type { ConfigReason } from '../evidence/open-evidence.ts';
import type { RunRequests } from './run-requests.ts';
import type { Station } from '../running-station.ts';
import type { StationEvent } from '../station-event.ts';
import type { OnStationPhase, StationPhase } from './station-phase.ts';
import { phaseInWords, stationInWords } from './station-words.ts';

export interface StartOrder {
  readonly configReason: ConfigReason;
  /** In place of what is in the file now. */
  readonly configuration?: Configuration;
  /** Why that is so: what a start with the newest one threw. */
  readonly notTaken?: unknown;
  readonly onPhase: OnStationPhase;
}

export interface SuperviseOptions {
  /** Reads and checks the configuration that a reload would start with; changes nothing. */
  readonly check: () => Promise<unknown>;
  readonly start: (order: StartOrder) => Promise<Station>;
  readonly requests: RunRequests;
  readonly notify: ServiceNotify;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly onEvent: (event: StationEvent) => void;
}

/** `failed`: no evidence can be stored any more, or no station runs after a reload; only a new process helps. */
export type RunEnd = 'stopped' | 'failed';

/** Recovery tells where it is hundreds of times a second; the manager and the log hear of it so often. */
const TELL_EVERY_MS = 1_000;
const LOG_EVERY_MS = 10_000;
/** The longest step of a start that tells nothing of itself: a sync of a whole journal to a worn flash. */
const LONGEST_STEP_MS = 120_000;
const STOP_MARGIN_MS = 10_000;
/** A start that is under way is waited for when a stop is asked for; a recovery that is cut off is made again. */
const ABANDON_START_MS = 10_000;

/**
 * Runs the station until it is told to stop: starts it, tells the service manager how it is, and starts it anew, inside this
 * process, with another configuration. One that does not hold is not gone by: what runs goes on.
 */
export class Supervisor {
  readonly #options: SuperviseOptions;
  /** Only the one that runs: what was stopped is let go, however often it is reloaded. */
  #station: Station | undefined;
  #changing: { what: string; lastProgressMonoMs: number } | undefined;
  #refusal: string | undefined;
  #readingSinceMonoMs = 0;
  #toldMonoMs = -Infinity;
  #loggedMonoMs = -Infinity;

  constructor(options: SuperviseOptions) {
    this.#options = options;
    this.#changing = { what: 'starting', lastProgressMonoMs: options.clock.nowMonoMs() };
  }

  /** @throws what the first start throws; later ones that fail are gone back from, or end with `failed` */
  async run(): Promise<RunEnd> {
    const { notify, clock, log } = this.#options;
    const watchdog = keepWatchdog({
      ...{ notify, clock, log },
      liveness: () => this.#liveness(),
      status: () => this.#status(),
    });
    try {
      await this.#startUnlessStopped({ configReason: 'start' });
      return await this.#untilTheEnd();
    } finally {
      watchdog.stop();
    }
  }

  /** For the moment before the process ends because of an error that nobody foresaw: commits what is signed and waiting. */
  async flush(): Promise<void> {
    await this.#station?.flush();
  }

  async #untilTheEnd(): Promise<RunEnd> {
    const { requests, notify, log } = this.#options;
    while (this.#station !== undefined) {
      const request = await Promise.race([requests.next(), this.#station.failed]);
      if (request instanceof StationError) {
        log('error', 'station.failed', { code: request.code, error: request });
        return await this.#stop(`stopping: no evidence can be stored (${request.code})`, 'failed');
      }
      if (request.wants === 'stop') {
        log('info', 'station.stopping', { signal: request.why });
        return await this.#stop('stopping', 'stopped');
      }
      await this.#reload(this.#station, request.why);
    }
    notify.stopping('stopping');
    return requests.stopAsked === undefined ? 'failed' : 'stopped';
  }

  async #stop(status: string, end: RunEnd): Promise<RunEnd> {
    this.#options.notify.stopping(status);
    this.#changes('stopping');
    await this.#station?.stop();
    return end;
  }

  async #reload(running: Station, why: string): Promise<void> {
    const { check, requests, notify, log } = this.#options;
    log('info', 'station.reloading', { why });
    notify.reloading('checking the new configuration');
    await running.takeIncoming();
    try {
      await check();
    } catch (error) {
      this.#notTaken('refused', error);
      running.noteNotTaken(error);
      notify.ready(this.#status());
      return;
    }
    if (requests.stopAsked !== undefined) return;
    this.#changes('reloading');
    await running.stop();
    this.#station = undefined;
    try {
      await this.#startUnlessStopped({ configReason: 'reload' });
      this.#refusal = undefined;
    } catch (error) {
      this.#notTaken('failed', error);
      await this.#goBack(running.configuration, error);
      return;
    }
    if (this.#station !== undefined)
      this.#tell({ event: 'reload', outcome: 'done', code: null, message: '' });
  }

  /** A key that is gone or a log of another name shows only when it is used: what ran before may run again. */
  async #goBack(configuration: Configuration, notTaken: unknown): Promise<void> {
    if (this.#options.requests.stopAsked !== undefined) return;
    try {
      // One that was on trial itself is not what is gone back to: that is the last one which was confirmed.
      const known = configuration.onTrial ? {} : { configuration };
      await this.#startUnlessStopped({ configReason: 'reload-failed', ...known, notTaken });
    } catch (error) {
      this.#options.log('error', 'station.not_restored', { code: codeOf(error), error });
    }
  }

  #notTaken(outcome: 'refused' | 'failed', error: unknown): void {
    const code = codeOf(error);
    this.#refusal = code;
    this.#options.log('error', `station.reload_${outcome}`, { code, error });
    this.#tell({ event: 'reload', outcome, code, message: messageOf(error) });
  }

  #tell(event: StationEvent): void {
    this.#options.onEvent(event);
  }

  /** A stop that is asked for meanwhile wins: a station that is there by then is stopped, and no other is waited for. */
  async #startUnlessStopped(order: Omit<StartOrder, 'onPhase'>): Promise<void> {
    const { start, requests, clock, log, notify } = this.#options;
    if (order.configReason !== 'start' && requests.stopAsked !== undefined) return;
    this.#changes('starting');
    const settled = new AbortController();
    const starting = start({ ...order, onPhase: (phase) => this.#phase(phase) });
    const first = await Promise.race([starting, requests.untilStop(settled.signal)]).finally(() =>
      settled.abort(),
    );
    if (typeof first !== 'string') {
      this.#station = first;
      this.#changing = undefined;
      return;
    }
    log('info', 'station.stopping', { signal: first });
    notify.stopping('stopping: a start is under way');
    const late = new AbortController();
    const tooLate = clock.sleep(ABANDON_START_MS, late.signal).then(
      () => undefined,
      () => undefined,
    );
    const station = await Promise.race([starting.catch(() => undefined), tooLate]);
    late.abort();
    if (station === undefined) log('warning', 'station.start_abandoned', {});
    else await station.stop();
  }

  #phase(phase: StationPhase): void {
    const { notify, clock, log } = this.#options;
    const now = clock.nowMonoMs();
    const what = phaseInWords(phase);
    this.#changing = { what, lastProgressMonoMs: now };
    if (phase.phase === 'reading') {
      this.#readingSinceMonoMs = now;
      // A start that is not wanted any more goes on for a moment: nobody waits for it to be ready.
      if (this.#options.requests.stopAsked === undefined) notify.ready(what);
      return;
    }
    if (phase.phase === 'recovery') {
      if (now - this.#loggedMonoMs >= LOG_EVERY_MS) {
        this.#loggedMonoMs = now;
        log('warning', 'journal.recovering', { ...phase.progress });
      }
      if (now - this.#toldMonoMs < TELL_EVERY_MS) return;
      this.#toldMonoMs = now;
    }
    const mayTakeMs = phase.phase === 'stop' ? phase.atMostMs + STOP_MARGIN_MS : LONGEST_STEP_MS;
    notify.extend(mayTakeMs, what);
    // The event loop may not turn before the next step: this is the moment to say that there is progress.
    if (notify.watchdogMs !== undefined) notify.alive();
  }

  #changes(what: string): void {
    this.#changing = { what, lastProgressMonoMs: this.#options.clock.nowMonoMs() };
  }

  #liveness(): Liveness {
    if (this.#changing !== undefined || this.#station === undefined) {
      return { phase: 'changing', ...(this.#changing ?? { what: 'starting', lastProgressMonoMs: 0 }) };
    }
    const { meters, evidence } = this.#station.facts();
    return {
      ...{ phase: 'metering', meters, sinceMonoMs: this.#readingSinceMonoMs },
      oldestWaitingSinceMonoMs: evidence.oldestWaitingSinceMonoMs,
      groupCommitMs: this.#station.configuration.config.journal.groupCommitMs,
    };
  }

  #status(): string {
    if (this.#changing !== undefined || this.#station === undefined)
      return this.#changing?.what ?? 'starting';
    return stationInWords(this.#station.health(), this.#refusal);
  }
}

function codeOf(error: unknown): string {
  return error instanceof StationError ? error.code : 'internal';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
