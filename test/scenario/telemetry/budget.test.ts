import { afterEach, describe, expect, it } from 'vitest';
import { openTelemetry, type Telemetry } from '../../../src/telemetry/index.ts';
import { type BrokerMessage, type EmbeddedBroker, startBroker } from '../../support/telemetry/broker.ts';
import { HEALTH, JOURNAL, LOG_LINE } from '../../support/telemetry/telemetry-examples.ts';
import { BIRTH, type LoggedEvent, sample } from '../../support/telemetry/telemetry-station.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const DAY_BYTES = 1_000_000;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Told {
  readonly topic: string;
  readonly document: {
    readonly readEndMs: number;
    readonly window?: { readonly samples: number; readonly beginMs: number; readonly endMs: number };
    readonly status?: string;
    readonly keepAliveSeconds?: number;
  };
}

/** A station on a virtual clock, and what the broker was told by it. */
class Site {
  readonly clock = new VirtualClock(0);
  readonly events: LoggedEvent[] = [];
  readonly told: Told[] = [];
  readonly telemetry: Telemetry;
  #broker: EmbeddedBroker;
  #published = 0;

  private constructor(broker: EmbeddedBroker, bytesPerDay: number) {
    this.#broker = broker;
    this.#listen();
    this.telemetry = openTelemetry(
      { url: broker.url, stationName: 'S', birth: BIRTH, bytesPerDay },
      {
        clock: this.clock,
        random: () => 0,
        log: (level, event, fields = {}) => this.events.push({ level, event, fields }),
      },
    );
  }

  static async with(bytesPerDay: number): Promise<Site> {
    const site = new Site(await startBroker(), bytesPerDay);
    cleanUps.push(() => site.#broker.stop());
    cleanUps.push(() => site.close());
    await site.connected();
    return site;
  }

  async connected(): Promise<void> {
    while (!this.telemetry.statistics().connected) {
      await this.clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.acknowledged();
  }

  async breakLink(): Promise<void> {
    await this.#broker.stop();
    while (this.telemetry.statistics().connected) await new Promise((resolve) => setImmediate(resolve));
  }

  async mendLink(): Promise<void> {
    this.#broker = await startBroker({ port: this.#broker.port });
    this.#listen();
    await this.connected();
  }

  /** Seconds in each of which every meter is read. */
  async live(seconds: number, meters = ['a', 'b']): Promise<void> {
    for (let n = 0; n < seconds; n++) {
      this.#published++;
      for (const meter of meters) this.telemetry.publishSample(meter, sample(this.#published));
      await this.clock.advance(1_000);
      await this.acknowledged();
    }
  }

  async acknowledged(): Promise<void> {
    while (this.telemetry.statistics().inFlight > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  async close(): Promise<void> {
    let isClosed = false;
    void this.telemetry.close().then(() => (isClosed = true));
    while (!isClosed) {
      await new Promise((resolve) => setImmediate(resolve));
      await this.clock.advance(10);
    }
  }

  of(topic: string): Told['document'][] {
    return this.told.filter((one) => one.topic === topic).map(({ document }) => document);
  }

  #listen(): void {
    const noted = ({ topic, payload, clientId }: BrokerMessage): void => {
      if (clientId === undefined) return; // a will
      const document = JSON.parse(payload.toString()) as Told['document'];
      this.told.push({ topic: topic.replace('delmonicos/v1/S/', ''), document });
    };
    this.#broker.onMessage(noted);
  }
}

describe('a station on a data plan of 1 MB a day', () => {
  it('sends the first readings one by one, then puts them together, each in one message of its meter', async () => {
    const site = await Site.with(DAY_BYTES);
    await site.live(400);
    for (const meter of ['a', 'b']) {
      const told = site.of(`meters/${meter}/sample`);
      expect(told[0]).not.toHaveProperty('window');
      const [before, last] = told.slice(-2);
      expect(last?.window?.samples).toBeGreaterThan(20);
      expect(last?.window?.beginMs).toBeGreaterThan(before?.readEndMs ?? Infinity);
      const readings = told.reduce((sum, { window }) => sum + (window?.samples ?? 1), 0);
      // The n-th reading ends n seconds after the boot.
      expect(readings).toBe(Math.floor((last?.readEndMs ?? 0) / 1_000));
    }
    const { budget, dropped } = site.telemetry.statistics();
    expect(dropped).toBe(0);
    expect(budget).toMatchObject({ bytesPerDay: DAY_BYTES, heldBack: ['samples'], tooSmall: false });
    expect(budget.bytesLastDay).toBeLessThan(DAY_BYTES / 16);
    const [birth] = site.of('status');
    expect(birth?.keepAliveSeconds).toBe(240);
  });

  it('tells of an outage what it was, from its beginning, on a topic of its own', async () => {
    const site = await Site.with(DAY_BYTES);
    await site.live(10);
    await site.breakLink();
    await site.live(1_300, ['a']);
    await site.mendLink();
    await site.live(250, ['a']);
    const late = site.of('meters/a/history');
    const windows = late.map(({ window }) => window);
    expect(windows.length).toBeGreaterThanOrEqual(4);
    expect(windows[0]?.beginMs).toBe(11_000);
    for (const [at, window] of windows.entries()) {
      expect((window?.endMs ?? 0) - (window?.beginMs ?? 0)).toBeLessThanOrEqual(301_000);
      if (at > 0) expect(window?.beginMs).toBe((windows[at - 1]?.endMs ?? 0) + 947);
    }
    const ends = site.of('meters/a/sample').map(({ readEndMs }) => readEndMs);
    expect(ends).toEqual([...ends].sort((x, y) => x - y));
    expect(site.telemetry.statistics().dropped).toBe(0);
  });

  it('sends each reading of a meter that is watched, and of no other, until the time is over', async () => {
    const site = await Site.with(DAY_BYTES);
    await site.live(300);
    const before = site.of('meters/b/sample').length;
    const seen = site.of('meters/a/sample').length;
    expect(site.telemetry.watch(30_000, 'a')).toBe(site.clock.nowMonoMs() + 30_000);
    await site.live(60);
    expect(site.of('meters/a/sample').length - seen).toBeGreaterThanOrEqual(30);
    expect(site.of('meters/a/sample').length - seen).toBeLessThan(36);
    expect(site.of('meters/b/sample').length - before).toBeLessThan(6);
  });

  it('lets lines of the log wait for their own share, and says what is wrong at once', async () => {
    const site = await Site.with(DAY_BYTES);
    for (let n = 0; n < 190; n++) site.telemetry.publishNote('log', LOG_LINE);
    site.telemetry.publishState('health', HEALTH);
    site.telemetry.publishState('journal', JOURNAL);
    await site.live(5);
    const { budget } = site.telemetry.statistics();
    expect(budget.heldBack).toEqual(['log']);
    expect(site.of('log').length).toBeGreaterThan(30);
    expect(site.of('log').length).toBeLessThan(100);
    expect([site.of('health').length, site.of('journal').length]).toEqual([1, 1]);
  });

  it('says goodbye whatever it has spent, and gives up what it may not send', async () => {
    const site = await Site.with(20_000);
    for (let n = 0; n < 10; n++) {
      const payload = Buffer.from(JSON.stringify({ result: 'x'.repeat(12_000) }));
      expect(site.telemetry.reply({ topic: 'response/desk', payload })).toBe(true);
    }
    await site.acknowledged();
    await site.live(20);
    await site.close();
    expect(site.of('status').map(({ status }) => status)).toEqual(['online', 'offline']);
    expect(site.telemetry.statistics().queued).toBe(0);
  });

  it('says once that its budget is too small to be of use', async () => {
    const site = await Site.with(20_000);
    await site.live(30, ['a', 'b', 'c', 'd']);
    expect(site.telemetry.statistics().budget.tooSmall).toBe(true);
    expect(site.events.filter(({ event }) => event === 'telemetry.budget_too_small')).toHaveLength(1);
  });
});
