import type { Hex } from '../../anchor-evidence.ts';
import type { Runtime } from './runtime.ts';

export function metadataHashOf(_runtime: Runtime): Promise<Hex | null> {
  return Promise.resolve(null);
}
