/** Aborts with the first Ctrl-C or SIGTERM, so that what was found so far can still be said. The next one ends the process. */
export function untilInterrupted(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return controller.signal;
}
