// The commands, typed in a terminal or written to standard input by a script: a line each.
import { createInterface } from 'node:readline';
import { type Devnet, type DevnetStatus } from '../devnet.ts';
import { messageOf } from '../errors.ts';
import { helpText, readLine } from './commands.ts';
import { describeStatus } from './describe-status.ts';
import { run } from './run.ts';

export interface ConsoleOptions {
  readonly devnet: Devnet;
  readonly input: NodeJS.ReadableStream;
  readonly print: (text: string) => void;
  readonly printError: (text: string) => void;
}

/** Takes one line after the other. Resolves on `quit`; the end of the input ends the commands, not the network. */
export async function readCommands({
  devnet,
  input,
  print,
  printError,
}: ConsoleOptions): Promise<'quit' | 'ended'> {
  for await (const line of createInterface({ input })) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    if (text === 'quit') return 'quit';
    if (text === 'help') {
      print(`${helpText()}\n  help\n  quit`);
      continue;
    }
    try {
      const call = readLine(text);
      const result = await run(devnet, call);
      print(call.method === 'status' ? describeStatus(result as DevnetStatus) : shown(result));
    } catch (thrown) {
      printError(messageOf(thrown));
    }
  }
  return 'ended';
}

function shown(result: unknown): string {
  return result === undefined ? 'ok' : JSON.stringify(result);
}
