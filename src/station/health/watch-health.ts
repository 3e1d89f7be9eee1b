import type { LineStatistics, Log, MonotonicClock } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import {
  FAULTS,
  isFaultCode,
  judgeAndStep,
  newsOf,
  NO_MEMORY,
  type BrokerFacts,
  type ChainFactsOfSync,
  type ConfigurationFacts,
  type FaultCode,
  type FlashFacts,
  type HealthChange,
  type HealthFacts,
  type HealthItem,
  type HealthMemory,
  type MemoryFacts,
} from '../../health/index.ts';
import { watchLoopDelay, type LoopDelay, type LoopDelayWatch, type TimeReport } from '../../service/index.ts';
import type { SyncStatus } from '../../sync/index.ts';
import type { FaultRecorder } from './faults-on-record.ts';
import { diskFacts, flashFacts, memoryFacts } from './machine-facts.ts';
import type { StationFacts } from '../running-station.ts';
import type { StationTroubles } from './station-troubles.ts';

const LOOK_EVERY_MS = 5_000;
/** Files of the kernel, and what sync makes of its outbox. */
const MACHINE_EVERY_MS = 15_000;
const FLASH_EVERY_MS = 600_000;

export interface WatchedLine {
  readonly id: string;
  statistics(): Pick<LineStatistics, 'state'> & Partial<Pick<LineStatistics, 'requests' | 'errors'>>;
}

export interface HealthParts {
  readonly config: StationConfig;
  readonly stateDirectory: string;
  readonly version: string;
  readonly account: string;
  readonly journal: { readonly size: number };
  readonly facts: () => StationFacts;
  readonly configurationFacts: () => ConfigurationFacts;
  readonly lines: readonly WatchedLine[];
  readonly timeReport: () => TimeReport;
  readonly isExhausted: () => boolean;
  readonly troubles: StationTroubles;
  readonly clock: MonotonicClock;
  readonly log: Log;
  readonly recorder: FaultRecorder;
  /** Called when the list has become another one, figures aside. */
  readonly onChange: (items: readonly HealthItem[]) => void;
  /** Called with each fault that is raised or cleared. */
  readonly onFault?: (change: HealthChange) => void;
}

/** As of the last look: every five seconds, what is dear less often. */
export interface HealthFigures {
  readonly items: readonly HealthItem[];
  readonly asOfMonoMs: number;
  readonly loopDelay: LoopDelay | null;
  readonly memory: MemoryFacts | undefined;
  readonly flash: FlashFacts | undefined;
}

/** What comes later than the first look, and may never come. */
export interface LateParts {
  readonly syncStatus?: (() => SyncStatus) | undefined;
  readonly broker?:
    (() => { readonly connected: boolean; readonly failure?: string } | undefined) | undefined;
}

/** Gathers what health is judged by, every five seconds, and keeps what was judged. Never throws. */
export class HealthWatch {
  readonly #parts: HealthParts;
  readonly #startedMonoMs: number;
  readonly #abort = new AbortController();
  readonly #loopDelay: LoopDelayWatch;
  readonly #running: Promise<void>;
  #late: LateParts = {};
  #memory: HealthMemory = NO_MEMORY;
  #items: readonly HealthItem[] = [];
  #told = '';
  #machine: Pick<HealthFacts, 'disk' | 'memory' | 'chain'> = {};
  #flash: HealthFacts['flash'];
  #delay: LoopDelay | null = null;
  #lookedMonoMs: number;
  #machineMonoMs = -Infinity;
  #flashMonoMs = -Infinity;

  constructor(parts: HealthParts) {
    this.#parts = parts;
    this.#startedMonoMs = parts.clock.nowMonoMs();
    this.#lookedMonoMs = this.#startedMonoMs;
    this.#loopDelay = watchLoopDelay(this.#startedMonoMs);
    this.#running = this.#run();
  }

  /** Telemetry and sync, once they are there. */
  open(late: LateParts): void {
    this.#late = late;
    this.#machineMonoMs = -Infinity;
  }

  /** As it is now, worst first. Also when something is asked for in between: the figures are of this moment. */
  list(): readonly HealthItem[] {
    const { log } = this.#parts;
    try {
      this.#look();
    } catch (error) {
      log('error', 'health.look_failed', { error });
      this.#items = [lookFailed(error), ...this.#items.filter(({ code }) => code !== 'service.look_failed')];
    }
    try {
      this.#tell();
    } catch (error) {
      log('error', 'health.not_told', { error });
    }
    return this.#items;
  }

  /** What the last look found, without another one. */
  figures(): HealthFigures {
    return {
      ...{ items: this.#items, asOfMonoMs: this.#lookedMonoMs, loopDelay: this.#delay },
      ...{ memory: this.#machine.memory, flash: this.#flash },
    };
  }

  async stop(): Promise<void> {
    this.#abort.abort();
    this.#loopDelay.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock } = this.#parts;
    while (!this.#abort.signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, this.#abort.signal).catch(() => undefined);
      if (!this.#abort.signal.aborted) this.list();
    }
  }

  #look(): void {
    const { clock, log } = this.#parts;
    const now = clock.nowMonoMs();
    this.#delay = this.#loopDelay.read(now) ?? null;
    const { next, items, changes } = judgeAndStep(this.#memory, this.#facts(now));
    this.#memory = next;
    this.#items = items;
    this.#lookedMonoMs = now;
    for (const change of changes) {
      const { type, code, subject, detail } = change;
      if (type === 'raise') log('warning', 'health.raised', { code, subject, detail });
      else log('info', 'health.cleared', { code, subject });
      this.#tellOf(change);
    }
    const { evidence } = this.#parts.facts();
    // Before anything was stored or refused nobody knows whether what is on record is over.
    if (evidence.lastCommitMonoMs !== null || evidence.refusedBecause !== null)
      this.#parts.recorder.follow(items, now);
  }

  #tellOf(change: HealthChange): void {
    try {
      this.#parts.onFault?.(change);
    } catch (error) {
      this.#parts.log('error', 'health.not_told', { error });
    }
  }

  #tell(): void {
    const news = newsOf(this.#items);
    if (news === this.#told) return;
    this.#told = news;
    this.#parts.onChange(this.#items);
  }

  #facts(now: number): HealthFacts {
    const { config, facts, journal, troubles, account, version, isExhausted } = this.#parts;
    this.#refresh(now);
    const { meters, evidence } = facts();
    return {
      nowMonoMs: now,
      configuration: this.#parts.configurationFacts(),
      service: { version, startedMonoMs: this.#startedMonoMs, loopDelay: this.#delay },
      meters,
      lines: this.#lines(),
      journal: {
        ...evidence,
        ...{ size: journal.size, groupCommitMs: config.journal.groupCommitMs, isExhausted: isExhausted() },
        ...{ setAside: troubles.setAside, damage: troubles.damage },
      },
      ...this.#machine,
      flash: this.#flash,
      clock: this.#parts.timeReport(),
      key: { account },
      broker: this.#broker(),
      ...(config.control && {
        control: { path: config.control.socket, failure: troubles.parts.get('control')?.text ?? null },
      }),
    };
  }

  /** What is dear, less often. */
  #refresh(now: number): void {
    const { config, stateDirectory } = this.#parts;
    if (now - this.#machineMonoMs >= MACHINE_EVERY_MS) {
      this.#machineMonoMs = now;
      const status = this.#late.syncStatus?.();
      this.#machine = {
        disk: diskFacts(stateDirectory, config, true),
        memory: memoryFacts(status?.gateway ?? null),
        chain: this.#chain(status),
      };
    }
    if (now - this.#flashMonoMs >= FLASH_EVERY_MS) {
      this.#flashMonoMs = now;
      this.#flash = flashFacts(config, 'self');
    }
  }

  #lines(): HealthFacts['lines'] {
    const { config, lines } = this.#parts;
    const used = new Set(config.meters.map(({ line }) => line));
    return config.lines.map(({ id }) => {
      const opened = lines.find((line) => line.id === id)?.statistics();
      const errors = Object.values(opened?.errors ?? {}).reduce((sum, count) => sum + count, 0);
      return {
        id,
        errors,
        state: opened?.state ?? 'closed',
        requests: opened?.requests ?? 0,
        hasMeters: used.has(id),
      };
    });
  }

  #chain(status: SyncStatus | undefined): ChainFactsOfSync | undefined {
    if (this.#parts.config.chain === undefined) return undefined;
    const trouble = this.#parts.troubles.parts.get('chain');
    // Tried again by itself: over once another failure, or none, is told of.
    const isGone = status !== undefined && status.failure?.code !== trouble?.code;
    const [headline] = [...(status?.words ?? [])].sort((one, other) => actFirst(other) - actFirst(one));
    return {
      faults: (status?.faults ?? []).filter((code): code is FaultCode & typeof code => isFaultCode(code)),
      words: headline ?? null,
      backlog: status?.backlog ?? null,
      notRunning: trouble === undefined || isGone ? null : trouble.text,
    };
  }

  #broker(): BrokerFacts | undefined {
    if (this.#parts.config.telemetry.mqtt === undefined) return undefined;
    const told = this.#late.broker?.();
    const notStarted = this.#parts.troubles.parts.get('telemetry')?.text ?? null;
    return { connected: told?.connected ?? false, failure: told?.failure ?? null, notStarted };
  }
}

/** In front of a list that is as it was when it could last be made: an old list must not pass for good news. */
function lookFailed(error: unknown): HealthItem {
  const { severity, advice } = FAULTS['service.look_failed'];
  return {
    ...{ check: 'service', subject: 'health', state: severity, code: 'service.look_failed' },
    ...{ detail: error instanceof Error ? error.message : String(error), sinceMs: null, advice },
  };
}

function actFirst({ severity }: { readonly severity: string }): number {
  return severity === 'act' ? 1 : 0;
}
