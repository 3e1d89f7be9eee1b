import { execFile } from 'node:child_process';
import { parseAdjtimex, parseTimedatectl } from './kernel-time.ts';
import type { AskTime, TimeReading } from './time-reading.ts';

/** Prints a dozen lines; a timedated that has to be started first takes a second or so. */
const ANSWER_WITHIN_MS = 5_000;
const MAX_OUTPUT_BYTES = 16_384;

interface Tool {
  readonly command: string;
  readonly args: readonly string[];
  readonly parse: (text: string) => TimeReading | undefined;
}

/** In this order: BusyBox knows no long options, and timedatectl says less and needs systemd. */
export const KERNEL_TOOLS: readonly Tool[] = [
  { command: 'adjtimex', args: ['--print'], parse: parseAdjtimex },
  { command: 'adjtimex', args: [], parse: parseAdjtimex },
  { command: 'timedatectl', args: ['show', '-p', 'NTPSynchronized'], parse: parseTimedatectl },
];

/**
 * Asks the kernel, through the first tool that answers; Node has no call for adjtimex(2). The tool that answered is asked first
 * the next time. Starting one takes a few milliseconds of another core: ask once a minute, not with every sample.
 */
export function askKernel(tools: readonly Tool[] = KERNEL_TOOLS): AskTime {
  let order = tools;
  return async () => {
    for (const tool of order) {
      const text = await outputOf(tool);
      const reading = text === undefined ? undefined : tool.parse(text);
      if (reading === undefined) continue;
      order = [tool, ...tools.filter((other) => other !== tool)];
      return reading;
    }
    return undefined;
  };
}

function outputOf({ command, args }: Tool): Promise<string | undefined> {
  // A service's PATH may lack the sbin directories, where adjtimex is.
  const path = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].join(':');
  const options = {
    env: { PATH: path, LC_ALL: 'C' },
    timeout: ANSWER_WITHIN_MS,
    killSignal: 'SIGKILL' as const,
    maxBuffer: MAX_OUTPUT_BYTES,
  };
  return new Promise((resolve) => {
    execFile(command, args, options, (error, stdout) => {
      resolve(error === null ? stdout : undefined);
    });
  });
}
