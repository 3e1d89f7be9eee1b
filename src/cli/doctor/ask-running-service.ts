import { StationError } from '../../../hal/contract/index.ts';
import type { StationConfig } from '../../config/index.ts';
import { CHECKS, HEALTH_STATES, type HealthItem } from '../../health/index.ts';
import { askService, HEALTH_WITHIN_MS } from '../ask-service.ts';

/** The running service's own list, or why it is not to be had. */
export type ServiceList =
  | { readonly items: readonly HealthItem[]; readonly asOfMs: number }
  /** `hangs`: it took the question, and did not answer. */
  | { readonly why: string; readonly hangs?: true };

/** Asks over the control socket. Never rejects: that a service cannot be asked is a finding, too. */
export async function askRunningService({ control }: StationConfig): Promise<ServiceList> {
  if (control === undefined) return { why: 'the configuration has no control.socket to ask it on' };
  try {
    const { health } = await askService(control.socket, { health: true }, HEALTH_WITHIN_MS);
    const { items, asOfMs } = (health ?? {}) as { items?: unknown; asOfMs?: unknown };
    if (!Array.isArray(items) || !items.every(isItem) || typeof asOfMs !== 'number') {
      return { why: 'it answered no health list; is it of another release?' };
    }
    return { items, asOfMs };
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    const why = `[${error.code}] ${error.message}`;
    return error.code === 'control.no_answer' ? { why, hangs: true } : { why };
  }
}

function isItem(value: unknown): value is HealthItem {
  const { check, state, detail } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return (
    CHECKS.some((one) => one === check) &&
    HEALTH_STATES.some((one) => one === state) &&
    typeof detail === 'string'
  );
}
