import type { Durability, EntryBodies } from '../../../src/journal/index.ts';
import { reading } from './journal-fixture.ts';

export type AppendedEntry = {
  [K in 'reading' | 'fault']: {
    readonly kind: K;
    readonly body: EntryBodies[K];
    readonly durability: Durability;
  };
}['reading' | 'fault'];

/**
 * What journal-appender.ts appends as its n-th entry, so that whoever knows the number can tell whether the log holds what
 * was acknowledged: samples, every tenth a billing entry, and now and then a fault, which the table's index is for.
 */
export function appendedEntry(number: number): AppendedEntry {
  if (number % 23 === 11) {
    const facts = [{ name: 'number', value: String(number) }];
    return { kind: 'fault', body: { code: 'test', message: 'raised', facts }, durability: 'sample' };
  }
  return { kind: 'reading', body: reading(number), durability: number % 10 === 9 ? 'billing' : 'sample' };
}
