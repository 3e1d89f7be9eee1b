import { equalBytes } from '../bytes.ts';
import type { LastBoot } from '../log-continuity.ts';
import type { HighWaterMark } from './high-water.ts';

/**
 * Why the service starts, as far as can be told from how it ended: `first` log of this station; the machine started after the
 * service had ended in order (`reboot`) or had not (`power-on`: power, reset, a kernel that died); the service alone started,
 * after an orderly end (`restart`) or none (`crash`); `recovery`: the log was recovered before this start; `unknown`: nothing
 * says how it ended.
 */
export type StartReason = 'first' | 'power-on' | 'reboot' | 'restart' | 'crash' | 'recovery' | 'unknown';

/**
 * Pure. The high-water mark is written when the log is closed in order, and says so; one of another log or of an earlier opening
 * says nothing of the last run.
 */
export function startReason(
  last: Pick<LastBoot, 'origin' | 'bootId' | 'opening'> | undefined,
  bootId: Uint8Array,
  mark: Pick<HighWaterMark, 'origin' | 'opening' | 'running'> | undefined,
  isRecovered: boolean,
): StartReason {
  if (isRecovered) return 'recovery';
  if (last === undefined) return 'first';
  if (mark === undefined || mark.origin !== last.origin || mark.opening !== last.opening) return 'unknown';
  if (equalBytes(last.bootId, bootId)) return mark.running ? 'crash' : 'restart';
  return mark.running ? 'power-on' : 'reboot';
}
