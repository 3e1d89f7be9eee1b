import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { verifyJournal } from '../../../src/journal/index.ts';
import {
  buildAppender,
  type Acknowledged,
  type AppenderProgram,
  type AppenderTask,
} from './appender-process.ts';
import { Promises } from './crashed-log.ts';
import { buildFailingDisk, DiskModel, readCalls, type DiskCall, type FaultKind } from './failing-disk.ts';
import { openTestJournal, reading, SIGNER } from './journal-fixture.ts';
import { faultsOf, openRecovered } from './recovering-journal.ts';
import type { SeededRandom } from '../seeded-random.ts';

/**
 * What the writer finds: nothing; the log of a writer that was killed, its write-ahead log and a bound included; or a database
 * that was cut off in the middle, which it recovers first, as the service does.
 */
export const SCENES = ['a new log', 'the log of a killed writer', 'a damaged log'] as const;
export type Scene = (typeof SCENES)[number];

export interface FaultOutcome {
  /** The call that failed, `fsync journal.db-wal`; undefined when the run ended before. */
  readonly failed: string | undefined;
  readonly acknowledged: number;
  /** What is wrong with what was left, by the state it was looked at in; empty when all is well. */
  readonly wrong: string[];
}

const ENTRIES = 60;
const TASK = { groupEntries: 8, retainBytes: 16 * 1024 };

/** A writer whose k-th system call on its directory fails, and a look at everything that it may leave behind. */
export class DiskFaults {
  readonly #home = mkdtempSync(path.join(tmpdir(), 'disk-faults-'));
  readonly #disk = buildFailingDisk();
  readonly #appenders: AppenderProgram;
  readonly #random: SeededRandom;
  readonly #scenes: Partial<Record<Scene, Promise<MadeScene>>> = {};
  #runs = 0;

  private constructor(appenders: AppenderProgram, random: SeededRandom) {
    this.#appenders = appenders;
    this.#random = random;
  }

  static async prepare(random: SeededRandom): Promise<DiskFaults> {
    return new DiskFaults(await buildAppender(), random);
  }

  remove(): void {
    this.#appenders.remove();
    this.#disk.remove();
    rmSync(this.#home, { recursive: true, force: true });
  }

  /** How many calls a run without a fault makes. */
  async countCalls(scene: Scene): Promise<number> {
    const { calls, wrong } = await this.#run(scene, 0, 'eio');
    if (wrong.length > 0) throw new Error(wrong.join('\n'));
    return calls.filter(({ op }) => op === 'c').length;
  }

  /** `synchronous`: a weaker store than ours, which this must see fail. */
  async failCall(
    scene: Scene,
    at: number,
    kind: FaultKind,
    synchronous?: AppenderTask['synchronous'],
  ): Promise<FaultOutcome> {
    const { calls, wrong, acknowledged } = await this.#run(scene, at, kind, synchronous);
    const failed = calls.find(({ op }) => op === '!');
    return { failed: failed && `${failed.data.toString('utf8')} ${failed.file}`, acknowledged, wrong };
  }

  async #run(scene: Scene, at: number, kind: FaultKind, synchronous?: AppenderTask['synchronous']) {
    const run = path.join(this.#home, `run-${this.#runs++}`);
    const directory = path.join(run, 'state');
    const promises = new Promises();
    await this.#setScene(scene, directory, promises);
    const model = new DiskModel(directory);
    const log = path.join(run, 'calls');
    const task: AppenderTask = {
      ...TASK,
      directory,
      from: 1_000,
      to: 1_000 + ENTRIES,
      ...(scene === 'a damaged log' ? { recover: true } : {}),
      ...(synchronous && { synchronous }),
    };
    const appender = this.#appenders.start(task, this.#disk.environment(directory, log, at, kind));
    await appender.ended;
    const acknowledged = appender.acknowledged();
    promises.add(acknowledged);
    const calls: DiskCall[] = readCalls(log);
    for (const call of calls) model.apply(call);
    const states: [string, string][] = [['as it was left', directory]];
    for (const leftover of ['nothing', 'random part'] as const) {
      const after = path.join(run, `after ${leftover}`);
      model.writeTo(after, leftover, this.#random);
      states.push([`after a power cut that left ${leftover} of what was not synchronised`, after]);
    }
    const wrong: string[] = [];
    for (const [name, state] of states) {
      const bad =
        scene === 'a damaged log'
          ? await this.#notRecovered(state, acknowledged)
          : await whatIsWrong(state, promises);
      if (bad !== undefined) wrong.push(`${name}: ${bad} (${appender.complaints().trim()})`);
    }
    if (wrong.length === 0) rmSync(run, { recursive: true });
    return { calls, wrong, acknowledged: acknowledged.entries.size };
  }

  /** A copy, each time, of a log that was made once. */
  async #setScene(scene: Scene, directory: string, promises: Promises): Promise<void> {
    const made = (this.#scenes[scene] ??= this.#makeScene(scene));
    cpSync((await made).directory, directory, { recursive: true });
    promises.add((await made).acknowledged);
  }

  async #makeScene(scene: Scene): Promise<MadeScene> {
    const directory = path.join(this.#home, scene);
    mkdirSync(directory);
    if (scene === 'a new log') return { directory, acknowledged: { entries: new Map(), tree: undefined } };
    const appender = this.#appenders.start({ ...TASK, directory, from: 0 });
    while (appender.acknowledged().entries.size < 300) await pause(1);
    appender.child.kill('SIGKILL');
    await appender.ended;
    if (scene === 'a damaged log') {
      await (await openTestJournal(directory)).close();
      const file = path.join(directory, DATABASE);
      truncateSync(file, Math.floor(statSync(file).size / 2) + 1);
    }
    return { directory, acknowledged: appender.acknowledged() };
  }

  /**
   * For a damaged log: whether it is recovered in the end, with the damaged file kept as it was, a fault entry that says so,
   * and all that was acknowledged since. What could be recovered the first time may stay in the damaged file after a second.
   */
  async #notRecovered(directory: string, since: Acknowledged): Promise<string | undefined> {
    const damaged = readFileSync(path.join(this.#home, 'a damaged log', DATABASE));
    const promises = new Promises();
    promises.add(since);
    try {
      const { journal } = await openRecovered(directory);
      await journal.close();
      const kept = readdirSync(directory).filter((name) => /^journal\.db\.damaged-\d+$/.test(name));
      if (!kept.some((name) => readFileSync(path.join(directory, name)).equals(damaged)))
        return 'the damaged file is gone';
      if (faultsOf(directory).length === 0) return 'the log does not say that it was recovered';
    } catch (error) {
      return `it cannot be recovered: ${String(error)}`;
    }
    return await whatIsWrong(directory, promises);
  }
}

const DATABASE = 'journal.db';

interface MadeScene {
  readonly directory: string;
  readonly acknowledged: Acknowledged;
}

async function whatIsWrong(directory: string, promises: Promises): Promise<string | undefined> {
  const { bad } = await promises.inspect(directory);
  if (bad !== undefined) return bad;
  try {
    const journal = await openTestJournal(directory);
    const index = await journal.append('reading', reading(1), 'billing');
    await journal.close();
    const { ok, size, firstBad } = await verifyJournal(directory, { publicKey: SIGNER.publicKey });
    return ok && size === index + 1 ? undefined : `continued: entry ${firstBad?.index}: ${firstBad?.why}`;
  } catch (error) {
    return `it cannot be continued: ${String(error)}`;
  }
}
