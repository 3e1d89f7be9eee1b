import type { Command } from 'commander';
import { registerReceiptCreate } from './receipt-create.ts';
import { registerReceiptVerify } from './receipt-verify.ts';

export function registerReceiptCommand(program: Command): void {
  const receipt = program
    .command('receipt')
    .description('portable evidence of readings: one file that anybody can check');
  registerReceiptCreate(receipt);
  registerReceiptVerify(receipt);
}
