// npm run fuzz -- [name ...]: feeds every parser damaged inputs and watches for what a parser must not do.
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import type { FuzzResult } from './fuzz-run.ts';
import { fuzzInChild } from './fuzz-in-child.ts';
import { fuzzInput, type FuzzTarget } from './fuzz-target.ts';

const USAGE = `npm run fuzz -- [name ...] [--runs N] [--seed N] [--json] [--list] [--help]

  name         which parsers; all of them unless told
  --runs N     inputs for each parser (full run: at least a million, fewer for the slow ones; see --list)
  --seed N     which inputs (default 1); the same seed gives the same inputs
  --index N    with one name: feeds input number N only, and shows it
  --targets F  another list of parsers: a module that exports TARGETS
  --json       one JSON document on stdout

Ends with 1 and shows the input as hexadecimal when a parser throws what is not its own error, breaks what must hold, takes
far longer than any good input does, does not come back at all, or keeps memory.`;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    runs: { type: 'string' },
    seed: { type: 'string', default: '1' },
    index: { type: 'string' },
    targets: { type: 'string', default: path.join(import.meta.dirname, 'targets.ts') },
    json: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

process.exitCode = await main();

async function main(): Promise<number> {
  if (values.help) return say(USAGE, 0);
  const targetsUrl = pathToFileURL(path.resolve(values.targets)).href;
  const { TARGETS } = (await import(targetsUrl)) as { TARGETS: readonly FuzzTarget[] };
  if (values.list)
    return say(TARGETS.map(({ name, fullRuns }) => `${name.padEnd(18)} ${fullRuns} inputs`).join('\n'), 0);
  const unknown = positionals.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) return say(`no parser "${unknown}"; --list shows them`, 2);
  const chosen = TARGETS.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const seed = Number(values.seed);
  if (values.index !== undefined) return feedOne(chosen, seed, Number(values.index));
  const results: FuzzResult[] = [];
  for (const target of chosen) {
    const runs = values.runs === undefined ? target.fullRuns : Number(values.runs);
    const result = await fuzzInChild(target, { targetsUrl, seed, runs });
    results.push(result);
    if (!values.json) print(lineOf(result));
    if (result.failure !== null) process.stderr.write(failureWords(result, seed));
  }
  if (values.json) print(JSON.stringify({ seed, results }));
  return results.some(({ failure }) => failure !== null) ? 1 : 0;
}

function feedOne(chosen: readonly FuzzTarget[], seed: number, index: number): number {
  const [target] = chosen;
  if (target === undefined || chosen.length !== 1) return say('--index needs one name', 2);
  const input = fuzzInput(target, seed, index);
  print(Buffer.from(input).toString('hex'));
  return say(target.run(input) ? 'accepted' : 'refused', 0);
}

function lineOf({
  target,
  runs,
  accepted,
  seconds,
  slowestMs,
  heapGrowthBytes,
  failure,
}: FuzzResult): string {
  const rate = Math.round(runs / Math.max(seconds, 0.001));
  return (
    `${failure === null ? 'ok    ' : 'FAILED'} ${target.padEnd(18)} ${String(runs).padStart(8)} inputs, ` +
    `${String(accepted).padStart(7)} accepted, ${seconds.toFixed(1)} s (${rate}/s), slowest ${slowestMs.toFixed(1)} ms, ` +
    `heap ${(heapGrowthBytes / 2 ** 20).toFixed(1)} MiB`
  );
}

function failureWords({ target, failure }: FuzzResult, seed: number): string {
  if (failure === null) return '';
  return (
    `\n${target}: ${failure.why}\ninput (hex): ${failure.inputHex}\n` +
    `again: npm run fuzz -- ${target} --seed ${seed} --index ${failure.index}\n`
  );
}

function say(text: string, status: number): number {
  (status === 0 ? process.stdout : process.stderr).write(`${text}\n`);
  return status;
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
