import { beginToSee, tableOfWhatWasSeen } from './seen.ts';

/** Prints, after the last test, what all of them saw. */
export function setup(): () => void {
  beginToSee();
  return () => process.stdout.write(`\n${tableOfWhatWasSeen()}\n`);
}
