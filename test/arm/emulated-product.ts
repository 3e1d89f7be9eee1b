import path from 'node:path';
import { onTestFinished } from 'vitest';
import {
  type CommandResult,
  type Program,
  productJson,
  runProduct,
  ServiceProcess,
} from '../support/product.ts';
import { type EmulatedTarget, nodeFolder } from './emulated-target.ts';

/** qemu translates what it runs; two busy cores take a minute for what takes a second on a device. */
export const COMMAND_MS = 180_000;
export const EVENT_MS = 300_000;

/** A bundle as a target's device has it, run by that target's Node. */
export class EmulatedProduct {
  readonly #program: Program;

  /** `bundle`: the folder whose content a device has as /usr/lib/delmonicos. */
  constructor(target: EmulatedTarget, bundle: string, env: NodeJS.ProcessEnv = {}) {
    const folders = [nodeFolder(target), ...(process.env['PATH'] ?? '').split(':')];
    this.#program = {
      command: path.join(bundle, 'bin/delmonicos'),
      args: [],
      env: { ...process.env, PATH: folders.join(':'), ...env },
    };
  }

  async run(args: readonly string[]): Promise<CommandResult> {
    return await runProduct(args, COMMAND_MS, this.#program);
  }

  /** As `run`, and throws with what it said unless it was good. */
  async done(args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(args);
    if (status !== 0)
      throw new Error(`delmonicos ${args.join(' ')} ended with ${status}:\n${stderr}${stdout}`);
    return stdout;
  }

  async json<Document>(args: readonly string[]): Promise<Document> {
    return await productJson<Document>(args, COMMAND_MS, this.#program);
  }

  /** The service; killed when the test is over. */
  start(config: string, stateDirectory: string, env: NodeJS.ProcessEnv = {}): ServiceProcess {
    const program = { ...this.#program, env: { ...this.#program.env, ...env } };
    const service = ServiceProcess.start(config, stateDirectory, [], program);
    onTestFinished(async () => void (await service.stop('SIGKILL')));
    return service;
  }
}

/** Waits until the service has said that at least `size` entries are on disk; returns how many are. */
export async function committed(service: ServiceProcess, size: number): Promise<number> {
  const event = await service.event(
    ({ event: name, size: now }) => name === 'committed' && Number(now) >= size,
    EVENT_MS,
  );
  return Number(event['size']);
}
