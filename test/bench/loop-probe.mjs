// Loaded into a process before its own code: how late its event loop is, looked at every 10 ms. Writes each second
// {"seconds", "p50Ms", "p99Ms", "maxMs"}, counted from the second after the first look, so that the start is not in it.
import { renameSync, writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const RESOLUTION_MS = 10;
/** Loading the program and opening the journal is not the steady state that is asked for. */
const SETTLE_MS = Number(process.env['LOOP_PROBE_SETTLE_MS'] ?? 20_000);
const file = process.env['LOOP_PROBE_FILE'];

if (file !== undefined && process.argv.includes('run')) {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  const late = (/** @type {number} */ ns) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  let startedAt = performance.now();
  setTimeout(() => {
    histogram.reset();
    startedAt = performance.now();
    setInterval(() => {
      const seen = {
        seconds: (performance.now() - startedAt) / 1_000,
        p50Ms: late(histogram.percentile(50)),
        p99Ms: late(histogram.percentile(99)),
        maxMs: late(histogram.max),
      };
      writeFileSync(`${file}.draft`, JSON.stringify(seen));
      renameSync(`${file}.draft`, file);
    }, 1_000).unref();
  }, SETTLE_MS).unref();
}
