// A process that makes root seeds at the same moment as its rivals, one a round, and prints each outcome on a line.
// Arguments: base directory, how many rounds, its own number, how many rivals there are. They wait for each other by files.
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { createRootSeed } from '../../../src/identity/index.ts';

const [base = '', rounds = '1', self = '0', rivals = '1'] = process.argv.slice(2);
const numbers = Array.from({ length: Number(rivals) }, (_, rival) => rival);
for (let round = 1; round <= Number(rounds); round++) {
  const ready = (rival: number | string) => path.join(base, `ready-${round}-${rival}`);
  writeFileSync(ready(self), '');
  while (!numbers.every((rival) => existsSync(ready(rival))));
  try {
    await createRootSeed(path.join(base, String(round)));
    process.stdout.write('made\n');
  } catch (error) {
    process.stdout.write(`${String((error as { code?: string }).code)}\n`);
  }
}
