import { type Devnet } from '../devnet.ts';
import { type ControlCall } from './commands.ts';

/** Makes the call. Rejects as the method does. */
export async function run(devnet: Devnet, { method, args }: ControlCall): Promise<unknown> {
  const methods = devnet as unknown as Record<string, (...args: readonly unknown[]) => Promise<unknown>>;
  return await methods[method]?.(...args);
}
