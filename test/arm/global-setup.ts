import { forgetWhatWasSeen, tableOfWhatWasSeen } from './seen.ts';

/** Prints, after the last test, what all of them saw. */
export function setup(): () => void {
  forgetWhatWasSeen();
  return () => process.stdout.write(`\n${tableOfWhatWasSeen()}\n`);
}
