import { describe, expect, it } from 'vitest';
import { decimal, obis, type MeterSample } from '../../../../hal/contract/index.ts';
import { DEFAULT_LIMITS } from '../../../../src/telemetry/limits.ts';
import { OutgoingTraffic } from '../../../../src/telemetry/outgoing/outgoing-traffic.ts';

const MINUTE = 60_000;
const MB = 1_000_000;

function trafficOf(bytesPerDay: number | null): OutgoingTraffic {
  return new OutgoingTraffic({
    ...{ bounds: DEFAULT_LIMITS, bytesPerDay, tls: true, startMonoMs: 0 },
    encode: (meterId, window, late) => ({
      topic: `meters/${meterId}/${late ? 'history' : 'sample'}`,
      payload: Buffer.alloc(400, String(window.samples)),
    }),
    unsendable: () => {},
    tooSmall: () => {},
  });
}

function reading(atMs: number): MeterSample {
  return {
    ...{ meterSerial: '1', profileId: 'p', readBeginMonoMs: atMs - 50, readEndMonoMs: atMs },
    values: [{ obis: obis('1-0:16.7.0*255'), unit: 'W', value: decimal(11_040), quality: 'G' }],
  };
}

/** All that may go now, as its broker acknowledges it at once. */
function sentAt(traffic: OutgoingTraffic, nowMs: number): string[] {
  const topics: string[] = [];
  for (let sent = traffic.take(nowMs); sent !== undefined; sent = traffic.take(nowMs)) {
    topics.push(sent.topic);
    traffic.queue.settle(sent.id, 'acknowledged');
  }
  return topics;
}

describe('what goes out under a budget', () => {
  it('is every figure in its turn, also while one document has news all the time', () => {
    const traffic = trafficOf(MB);
    const told = new Set<string>();
    for (const topic of ['b', 'c']) traffic.queue.putState(topic, Buffer.alloc(1_000));
    for (let nowMs = 0; nowMs < 240 * MINUTE; nowMs += MINUTE) {
      for (const topic of ['a', 'b', 'c']) traffic.queue.putState(topic, Buffer.alloc(1_000, String(nowMs)));
      const topics = sentAt(traffic, nowMs);
      if (nowMs > 60 * MINUTE) for (const topic of topics) told.add(topic);
    }
    expect([...told].sort()).toEqual(['a', 'b', 'c']);
  });

  it('is what is wrong once in each session, however deep sessions have put it in debt', () => {
    const traffic = trafficOf(MB);
    traffic.queue.putState('health', Buffer.alloc(2_000, 'a'), 'vital');
    expect(sentAt(traffic, 0)).toEqual(['health']);
    traffic.balanceBooks(MB, 0); // a link that broke a hundred times
    traffic.queue.putState('health', Buffer.alloc(2_000, 'b'), 'vital');
    expect(sentAt(traffic, 1_000)).toEqual([]);
    traffic.connectionLost();
    expect(sentAt(traffic, 2_000)).toEqual(['health']);
    traffic.queue.putState('health', Buffer.alloc(2_000, 'c'), 'vital');
    expect(sentAt(traffic, 3_000)).toEqual([]);
  });

  it('is no live sample where the last reading of a meter is as old as an outage', () => {
    const traffic = trafficOf(MB);
    const offline = { isConnected: false };
    for (let atMs = 1_000; atMs <= 60_000; atMs += 1_000)
      for (const meter of ['silent', 'well'])
        traffic.addSample(meter, reading(atMs), {}, { nowMonoMs: atMs, ...offline });
    const back = 60 * MINUTE;
    traffic.addSample('well', reading(back), {}, { nowMonoMs: back, isConnected: true });
    const topics = sentAt(traffic, back);
    expect(topics).toContain('meters/well/sample');
    expect(topics).toContain('meters/silent/history');
    expect(topics).not.toContain('meters/silent/sample');
    expect(traffic.dropped()).toBe(0);
  });
});
