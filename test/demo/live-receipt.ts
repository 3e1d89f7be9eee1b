import path from 'node:path';
import { productJson, runProduct, type ServiceProcess } from '../support/product.ts';
import type { World } from './world.ts';

export interface ReceiptResult {
  readonly index: number;
  readonly verified: boolean;
}

interface VerifyReport {
  readonly ok: boolean;
  readonly checks: readonly { readonly name: string; readonly result: string }[];
}

/** Makes a receipt for one entry and verifies it, as a driver's app would: with nothing but the file. */
export async function makeAndVerifyReceipt(
  world: World,
  index: number,
  file: string,
): Promise<ReceiptResult> {
  const made = await runProduct([
    'receipt',
    'create',
    world.stateDirectory,
    '--index',
    String(index),
    '-o',
    file,
  ]);
  if (made.status !== 0) return { index, verified: false };
  const report = await productJson<VerifyReport>(['receipt', 'verify', file]);
  return { index, verified: report.ok && report.checks.some((check) => check.result === 'pass') };
}

/** While the demo runs: one receipt for the first reading under the first final anchor, made beside the running service. */
export class LiveReceipt {
  readonly #world: World;
  #trying = false;
  #result: ReceiptResult | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  get result(): ReceiptResult | undefined {
    return this.#result;
  }

  tryOnce(service: ServiceProcess): void {
    const status = service.last('sync')?.['status'] as { anchoredSize: number } | undefined;
    if (this.#trying || this.#result !== undefined || (status?.anchoredSize ?? 0) < 1) return;
    this.#trying = true;
    const file = path.join(path.dirname(this.#world.configPath), 'live.receipt.json');
    void makeAndVerifyReceipt(this.#world, (status?.anchoredSize ?? 1) - 1, file)
      .then((result) => (this.#result = result))
      .catch(() => undefined)
      .finally(() => (this.#trying = false));
  }
}
