import { StationError, type Log, type MonotonicClock } from '../../../hal/contract/index.ts';
import type { EvidenceLog, Metering } from '../../metering/index.ts';
import {
  incomingFiles,
  missing,
  removeIncoming,
  type ConfigurationDesk,
  type ConfigurationResult,
  type Needs,
} from '../../provisioning/index.ts';
import type { WallClock } from '../../service/index.ts';
import {
  LISTENED,
  type ConfigurationResultDocument,
  type HeardMessage,
  type Listener,
} from '../../telemetry/index.ts';
import type { Configuration } from './load-configuration.ts';
import type { StationView } from '../telemetry/station-view.ts';

/** How long the station must be as well as it was, without a break, and how long it has for that. */
export interface TrialTimes {
  readonly wellForMs: number;
  readonly withinMs: number;
}
/** Broker and meters are reached within a minute or two where they can be; a quarter of an hour covers a modem's worst day. */
export const TRIAL_TIMES: TrialTimes = { wellForMs: 300_000, withinMs: 1_200_000 };
const LOOK_EVERY_MS = 5_000;
/** Each costs a signature check and at most 64 KiB: whoever can publish to the broker must not keep the station busy. */
const BETWEEN_MESSAGES_MS = 1_000;
/** Refusals of messages that are told: so many at once, and one more each minute. A stranger's garbage must not cost the samples their bytes. */
const REFUSALS_TOLD = 10;
const REFUSAL_TOLD_EVERY_MS = 60_000;

export interface IntakeParts {
  readonly configuration: Configuration;
  readonly desk: ConfigurationDesk;
  readonly evidence: EvidenceLog;
  readonly metering: Pick<Metering, 'status'>;
  readonly clock: MonotonicClock;
  readonly wallClock: WallClock;
  readonly log: Log;
  /** Another configuration is to be gone by: the station is to be stopped, and started anew. */
  readonly requestReload: (why: string) => void;
  readonly trialTimes?: TrialTimes | undefined;
  /** Whether something was committed since the start. */
  readonly storesEvidence: () => boolean;
}

/** The trial that a start watches over. */
interface Watched {
  readonly id: string | undefined;
  readonly begunMonoMs: number;
  wellSinceMonoMs?: number;
}

/** Takes what the OEM signed, from files and from the broker, and watches over what is on trial. */
export class ConfigurationIntake {
  readonly #parts: IntakeParts;
  readonly #abort = new AbortController();
  #view: Pick<StationView, 'configurationResult' | 'isConnected'> | undefined;
  #working: Promise<void> = Promise.resolve();
  #watching: Promise<void> = Promise.resolve();
  #isJudgingMessage = false;
  #isOnTrial: boolean;
  #lastMessageMonoMs = -Infinity;
  /** When as many refusals may be told at once again as may at all. */
  #refusalsFreeMonoMs = -Infinity;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#isOnTrial = parts.configuration.onTrial;
  }

  /** For telemetry: none where no configuration would be believed, and so nothing is to be subscribed to. */
  get listeners(): readonly Listener[] {
    const receive = ({ payload }: HeardMessage): void => this.#fromBroker(payload);
    return this.#parts.desk.isOpen ? [{ ...LISTENED.configuration, receive }] : [];
  }

  get isOnTrial(): boolean {
    return this.#isOnTrial;
  }

  /** Tells what became of the last one, and looks at what was brought meanwhile. */
  open(view: Pick<StationView, 'configurationResult' | 'isConnected'>): void {
    this.#view = view;
    void this.#work(async () => {
      await this.#tellProblems();
      await this.#tellNews();
    });
    void this.#takeIncoming(true);
    if (this.#parts.configuration.onTrial)
      this.#watching = this.#watch().catch((error) => this.#failed(error));
  }

  /** Judges what lies in `incoming/`; what is accepted is taken by the next start. Never rejects. */
  takeIncoming(): Promise<void> {
    return this.#takeIncoming(false);
  }

  #takeIncoming(reload: boolean): Promise<void> {
    return this.#work(async () => {
      const { folder } = this.#parts.desk;
      for (const { name, bytes } of incomingFiles(folder.incoming)) {
        // What is too large for a configuration is none, whatever it is.
        await this.#arrived(bytes ?? new Uint8Array(0), 'file', reload);
        removeIncoming(folder.incoming, name);
      }
    });
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#working;
    await this.#watching;
  }

  #fromBroker(payload: Uint8Array): void {
    const { clock, log } = this.#parts;
    const now = clock.nowMonoMs();
    if (payload.length === 0) return; // a retained one that was cleared
    // What else is at work is waited for: a retained one comes once, with the connection, and not again.
    if (this.#isJudgingMessage || now - this.#lastMessageMonoMs < BETWEEN_MESSAGES_MS) {
      log('warning', 'config.message_dropped', { bytes: payload.length });
      return;
    }
    this.#lastMessageMonoMs = now;
    this.#isJudgingMessage = true;
    void this.#work(() => this.#arrived(payload, 'mqtt', true)).finally(
      () => (this.#isJudgingMessage = false),
    );
  }

  async #arrived(bytes: Uint8Array, via: 'mqtt' | 'file', reload: boolean): Promise<void> {
    const { desk, wallClock, log, requestReload } = this.#parts;
    const moment = {
      ...{ wallTimeMs: wallClock.nowWallMs(), clockStatus: wallClock.status() },
      needs: this.#works(),
    };
    const result = await desk.receive(bytes, moment);
    const { sequence, signedBy, code, message, id } = result;
    log(result.result === 'refused' ? 'warning' : 'info', `config.${result.result}`, {
      ...{ sequence, signedBy, code, why: message, id, via },
    });
    if (result.result === 'accepted') await this.#record(result, via);
    if (result.result !== 'refused' || via === 'file' || this.#mayTellRefusal())
      this.#view?.configurationResult({ ...result, via });
    if (result.result === 'accepted' && reload) requestReload('configuration');
  }

  #mayTellRefusal(): boolean {
    const now = this.#parts.clock.nowMonoMs();
    const free = Math.max(this.#refusalsFreeMonoMs, now) + REFUSAL_TOLD_EVERY_MS;
    if (free - now > REFUSALS_TOLD * REFUSAL_TOLD_EVERY_MS) return false;
    this.#refusalsFreeMonoMs = free;
    return true;
  }

  async #record({ digest, sequence, signedBy }: ConfigurationResult, via: string): Promise<void> {
    const reason = `accepted: signed configuration ${sequence} by ${signedBy}, brought by ${via}`;
    const bytes = new Uint8Array(Buffer.from(digest ?? '', 'hex'));
    await this.#parts.evidence.append('config', { digest: bytes, reason }, 'billing');
  }

  /** A fault is state, and this is where it began: one entry a start, as long as it lasts. */
  async #tellProblems(): Promise<void> {
    for (const { code, message } of this.#parts.configuration.problems) {
      if (code !== 'provisioning.config_rolled_back')
        await this.#parts.evidence.append('fault', { code, message }, 'billing');
    }
  }

  async #tellNews(): Promise<void> {
    const { desk, evidence } = this.#parts;
    const { news } = desk;
    if (news === null) return;
    const { id, sequence, signedBy, what, why } = news;
    const isFault = what === 'rolled-back';
    const code = isFault ? 'provisioning.config_rolled_back' : null;
    if (isFault) {
      const message = `signed configuration ${sequence} was given up, the one before is in force: ${why}`;
      const facts = [
        { name: 'sequence', value: String(sequence) },
        { name: 'signedBy', value: signedBy },
        { name: 'id', value: id },
      ];
      await evidence.append('fault', { code: 'provisioning.config_rolled_back', message, facts }, 'billing');
    } else {
      const digest = new Uint8Array(Buffer.from(this.#parts.configuration.digest, 'hex'));
      const reason = `confirmed: signed configuration ${sequence} by ${signedBy}`;
      await evidence.append('config', { digest, reason }, 'billing');
    }
    const document: ConfigurationResultDocument = {
      ...{ result: what, code, message: why, id, sequence, signedBy },
      ...{ digest: null, via: null },
    };
    this.#view?.configurationResult(document);
    desk.newsTold();
  }

  /** Until it is decided. What cannot be written now (the disk is full) is tried again with the next look. */
  async #watch(): Promise<void> {
    const { clock, desk, trialTimes = TRIAL_TIMES } = this.#parts;
    const begunMonoMs = clock.nowMonoMs();
    const seen: Watched = { id: desk.onTrial?.id, begunMonoMs };
    for (;;) {
      await clock.sleep(Math.min(LOOK_EVERY_MS, trialTimes.wellForMs), this.#abort.signal).catch(() => {});
      if (this.#abort.signal.aborted) return;
      try {
        if (await this.#isDecided(seen)) return;
      } catch (error) {
        this.#failed(error);
      }
    }
  }

  async #isDecided(seen: Watched): Promise<boolean> {
    const { clock, desk, log, trialTimes = TRIAL_TIMES, requestReload } = this.#parts;
    const trial = desk.onTrial;
    // What was accepted meanwhile has not been started with: that is for the next start to judge.
    if (trial === null || trial.id !== seen.id) return true;
    const lacks = missing(trial.needs, this.#health());
    const now = clock.nowMonoMs();
    if (lacks.length > 0) delete seen.wellSinceMonoMs;
    else seen.wellSinceMonoMs ??= now;
    if (seen.wellSinceMonoMs !== undefined && now - seen.wellSinceMonoMs >= trialTimes.wellForMs) {
      await this.#work(async () => {
        desk.confirm(trial.id);
        this.#isOnTrial = false;
        log('info', 'config.confirmed', { sequence: trial.sequence, signedBy: trial.signedBy });
        await this.#tellNews();
      });
      return !this.#isOnTrial;
    }
    if (now - seen.begunMonoMs < trialTimes.withinMs) return false;
    const why = lacks.join(', ') || 'it was not well for long enough';
    desk.rollBack(why);
    log('error', 'config.rolled_back', { sequence: trial.sequence, why });
    requestReload('rollback');
    return true;
  }

  #health() {
    const { broker, meters } = this.#works();
    return {
      evidenceStored: this.#parts.storesEvidence(),
      brokerConnected: broker,
      meterAnswering: meters,
    };
  }

  #works(): Needs {
    return {
      broker: this.#view?.isConnected() ?? false,
      meters: this.#parts.metering.status().some(({ state }) => state === 'answering'),
    };
  }

  /** One after the other; whatever fails is logged and costs nothing else. */
  #work(work: () => Promise<void>): Promise<void> {
    this.#working = this.#working
      .then(() => (this.#abort.signal.aborted ? undefined : work()))
      .catch((error: unknown) => this.#failed(error));
    return this.#working;
  }

  #failed(error: unknown): void {
    const code = error instanceof StationError ? error.code : 'internal';
    this.#parts.log('error', 'config.intake_failed', { code, error });
  }
}
