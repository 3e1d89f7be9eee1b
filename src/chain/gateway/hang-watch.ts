import { Worker } from 'node:worker_threads';

const LOOK_EVERY_MS = 1_000;
/**
 * Half as long again as the core waits for a sign of life before it closes the connection (gateway-process.ts): one that hangs
 * is given up by the core first, which can say why. Counted in looks, not by a clock: a machine that slept, or a process that
 * was stopped, has looked at nothing meanwhile.
 */
const LOOKS_WITHOUT_A_BEAT = 45;

/**
 * Ends this process, by SIGKILL, when `beat`, which is returned, is not called for that many looks. In a thread of its own: a
 * light client that spins starves the main thread, which then never learns that the connection is closed. Only for a gateway
 * that nobody can kill who knows of it; one that is a child of the core ends with it (parent-watch.ts).
 */
export function dieWhenHung({
  everyMs = LOOK_EVERY_MS,
  looks = LOOKS_WITHOUT_A_BEAT,
}: { readonly everyMs?: number; readonly looks?: number } = {}): () => void {
  const program = `
    const { workerData } = require('node:worker_threads');
    const { beats, everyMs, looks } = workerData;
    let seen = -1;
    let without = 0;
    setInterval(() => {
      const now = Atomics.load(beats, 0);
      without = now === seen ? without + 1 : 0;
      seen = now;
      if (without >= looks) process.kill(process.pid, 'SIGKILL');
    }, everyMs);
  `;
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  const worker = new Worker(program, {
    eval: true,
    execArgv: [],
    workerData: { beats, everyMs, looks },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  worker.unref();
  return () => void Atomics.add(beats, 0, 1);
}
