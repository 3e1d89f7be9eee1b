import { describe, expect, it } from 'vitest';
import { systemMonotonicClock } from '../../src/service/index.ts';

describe('the monotonic clock', () => {
  it('sleeps for months, although a timer of Node holds less than 25 days', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): number => warnings.push(warning);
    process.on('warning', listen);
    const abort = new AbortController();
    let woken = false;
    const asleep = systemMonotonicClock.sleep(40 * 86_400_000, abort.signal).then(
      () => (woken = true),
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(woken).toBe(false);
    abort.abort();
    expect(await asleep).toBeInstanceOf(Error);
    process.off('warning', listen);
    expect(warnings).toEqual([]);
  });
});
