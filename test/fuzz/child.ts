// The part of a fuzz run that may hang or run out of memory: a process of its own. It writes the number of each input into a
// file before it feeds it, so that the parent can tell which one was the last.
import { closeSync, openSync, writeSync } from 'node:fs';
import { fuzzTarget } from './fuzz-run.ts';
import type { FuzzTarget } from './fuzz-target.ts';

const [targetsUrl = '', name = '', runs = '', seed = '', positionFile = ''] = process.argv.slice(2);
const { TARGETS } = (await import(targetsUrl)) as { TARGETS: readonly FuzzTarget[] };
const target = TARGETS.find((each) => each.name === name);
if (target === undefined) throw new Error(`no target ${name}`);
const file = openSync(positionFile, 'w');
const position = Buffer.alloc(4);
const result = fuzzTarget(target, {
  runs: Number(runs),
  seed: Number(seed),
  onInput(index) {
    position.writeUInt32LE(index);
    writeSync(file, position, 0, 4, 0);
  },
});
closeSync(file);
process.send?.(result, () => process.disconnect());
