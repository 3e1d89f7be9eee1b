import { realpathSync } from 'node:fs';
import { StationError, type Effect, type Remedy } from '../../hal/contract/index.ts';

/** The health list is there at once; whoever has not told it by then hangs. */
export const HEALTH_WITHIN_MS = 10_000;
export const DEFAULT_SOCKET = '/run/delmonicos/control.sock';

/**
 * Asks a running service over its control socket.
 * @throws ControlError `control.unreachable`, `control.no_answer`; what the service answered, by its code
 */
export async function askService(
  socket: string,
  request: object,
  withinMs?: number,
): Promise<Record<string, unknown>> {
  const { askControlSocket } = await import('../service/index.ts');
  const answer = await askControlSocket(socket, request, withinMs);
  if (answer['ok'] !== true) throw toldError(answer['error']);
  return answer;
}

/** The error as the service told it. */
export function toldError(told: unknown): StationError {
  const { code, message, remedy, hint, details } = (told ?? {}) as Partial<Record<string, unknown>>;
  const text = (value: unknown, otherwise: string): string => (typeof value === 'string' ? value : otherwise);
  return new StationError(text(code, 'internal'), text(message, 'the service refused'), {
    remedy: (remedy ?? 'operator') as Remedy,
    effect: 'none' satisfies Effect,
    ...(typeof hint === 'string' && { hint }),
    ...(typeof details === 'object' && details !== null && { details: details as Record<string, unknown> }),
  });
}

/** Whether two paths name one directory; one that is not there is no other's. */
export function isSameDirectory(one: string, other: string): boolean {
  try {
    return realpathSync(one) === realpathSync(other);
  } catch {
    return false;
  }
}
