import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Log } from '../../../hal/contract/index.ts';
import type { BudgetKeeper } from '../../telemetry/index.ts';

const NAME = 'telemetry-budget.json';

/**
 * What is left of the day's budget, in a file of the runtime directory: in memory, and there after a restart of the service.
 * Undefined without such a directory. That it cannot be written is logged once.
 */
export function budgetFile(directory: string | undefined, log: Log): BudgetKeeper | undefined {
  if (directory === undefined || directory === '') return undefined;
  const file = path.join(directory, NAME);
  let isTold = false;
  return {
    read() {
      try {
        return readFileSync(file, 'utf8');
      } catch {
        return undefined;
      }
    },
    write(text) {
      try {
        writeFileSync(`${file}.new`, text, { mode: 0o600 });
        renameSync(`${file}.new`, file);
      } catch (error) {
        if (!isTold) log('warning', 'telemetry.budget_not_kept', { file, error });
        isTold = true;
      }
    },
  };
}
