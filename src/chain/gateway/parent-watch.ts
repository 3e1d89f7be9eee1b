import { Worker } from 'node:worker_threads';

const LOOK_EVERY_MS = 1_000;

/**
 * Ends this process, by SIGKILL, when its parent is no longer `corePid`. In a thread of its own: a light client that spins
 * starves the main thread, which then never learns that the IPC channel is closed, and would live on without its core.
 */
export function dieWithCore(corePid: number): void {
  const program = `
    const { workerData } = require('node:worker_threads');
    setInterval(() => {
      if (process.ppid !== workerData.corePid) process.kill(process.pid, 'SIGKILL');
    }, workerData.everyMs);
  `;
  const worker = new Worker(program, {
    eval: true,
    execArgv: [],
    workerData: { corePid, everyMs: LOOK_EVERY_MS },
    resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 2, stackSizeMb: 1 },
  });
  worker.unref();
}
