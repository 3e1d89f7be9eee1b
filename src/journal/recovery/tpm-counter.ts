import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { JournalError } from '../errors.ts';
import type { MonotonicCounter } from './monotonic-counter.ts';

export interface TpmCounterOptions {
  /** How the TPM is reached (tpm2-tools, TCTI); $TPM2TOOLS_TCTI, otherwise the kernel's resource manager, unless given. */
  readonly tcti?: string | undefined;
  /** NV index, such as `0x0180444d`. */
  readonly nvIndex?: string | undefined;
  /** How long one command of tpm2-tools may take, in ms. */
  readonly timeoutMs?: number;
}

const KERNEL_DEVICE = '/dev/tpmrm0';
/** In the range that belongs to the owner (TCG, Registry of Reserved TPM 2.0 Handles, §2.2.2); the end reads "DM". */
export const DEFAULT_NV_INDEX = '0x0180444d';
const DEFAULT_TIMEOUT_MS = 5_000;
const COUNTER_BYTES = 8;
/** Read and written with the owner's authorisation; wrong ones must not lock the TPM for others. */
const ATTRIBUTES = 'nt=counter|ownerread|ownerwrite|authread|no_da';

/** Whether it looks as if there were a TPM to ask. */
export function hasTpm(tcti?: string): boolean {
  return (tcti ?? process.env['TPM2TOOLS_TCTI']) !== undefined || existsSync(KERNEL_DEVICE);
}

/**
 * An NV counter of a TPM 2.0 (TPM 2.0 Library Part 1 §37.2.4), by tpm2-tools. It is made when it is missing, and then begins
 * above every counter that this TPM ever had, so that deleting and making it again turns nothing back.
 */
export function tpmCounter({
  tcti,
  nvIndex = DEFAULT_NV_INDEX,
  timeoutMs,
}: TpmCounterOptions = {}): MonotonicCounter {
  const transport = tcti ?? process.env['TPM2TOOLS_TCTI'] ?? `device:${KERNEL_DEVICE}`;
  const run = (command: string, ...args: string[]): Promise<Buffer> =>
    runTool(`tpm2_${command}`, ['-T', transport, ...args, nvIndex], timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const read = async (): Promise<number> => {
    const bytes = await run('nvread', '-C', 'o', '-s', String(COUNTER_BYTES));
    const value = bytes.length === COUNTER_BYTES ? Number(bytes.readBigUInt64BE()) : NaN;
    if (!Number.isSafeInteger(value)) throw failed(`NV index ${nvIndex} of the TPM is no counter`);
    return value;
  };
  const increment = async (): Promise<number> => {
    await run('nvincrement', '-C', 'o');
    return read();
  };
  return {
    name: `the TPM's counter ${nvIndex}`,
    increment,
    read: async () => {
      try {
        return await read();
      } catch (error) {
        if (await run('nvreadpublic').then(isWritten, () => undefined)) throw error;
      }
      // Missing, or made and never counted up: then it cannot be read yet.
      await run('nvdefine', '-C', 'o', '-a', ATTRIBUTES, '-s', String(COUNTER_BYTES)).catch(() => undefined);
      return increment();
    },
  };
}

function isWritten(publicArea: Buffer): boolean {
  return /\bwritten\b/.test(publicArea.toString('utf8'));
}

/** Without a shell; nothing here is secret. */
function runTool(command: string, args: readonly string[], timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { timeout: timeoutMs, encoding: 'buffer' as const, maxBuffer: 65_536 };
    execFile(command, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const why =
        error.killed === true ? `no answer in ${timeoutMs} ms` : stderr.toString('utf8').trim().slice(-200);
      reject(failed(`${command}: ${why || error.message}`, error));
    });
  });
}

function failed(message: string, cause?: unknown): JournalError {
  return new JournalError('journal.counter_failed', message, {
    remedy: 'degrade',
    cause,
    hint: 'look at the TPM with tpm2_getcap properties-fixed; without it, the high-water mark is kept in its file alone',
  });
}
