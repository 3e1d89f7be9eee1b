import path from 'node:path';
import type { Program } from '../support/product.ts';

/**
 * The environment of a service under systemd, which has next to nothing in it. A developer's may name more certificates to load
 * (NODE_EXTRA_CA_CERTS) or flags (NODE_OPTIONS): 40 ms at each start and 2 MB that no device has.
 */
export const BARE_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: process.env['PATH'] };

/** The built command as systemd starts it. */
export const ON_DEVICE: Program = {
  command: path.resolve(import.meta.dirname, '../../dist/bin/delmonicos'),
  args: [],
  env: { ...BARE_ENVIRONMENT, DELMONICOS_NODE: process.execPath },
};

/** With a probe of its event loop, which writes what it saw to `file` each second (loop-probe.mjs). */
export function withLoopProbe(file: string): Program {
  const probe = path.join(import.meta.dirname, 'loop-probe.mjs');
  return {
    ...ON_DEVICE,
    env: { ...ON_DEVICE.env, NODE_OPTIONS: `--import ${probe}`, LOOP_PROBE_FILE: file },
  };
}
