import type { Command } from 'commander';
import { StationError } from '../../hal/contract/index.ts';
import type { ChainTransport } from '../chain/index.ts';
import type {
  AnchoredBlock,
  Check,
  FinalityInquiry,
  ReceiptReport,
  SessionSummary,
  TrustedKey,
} from '../receipt/index.ts';
import { ExitCode, harmlessLine, note, print, printJson, printTable } from './output.ts';
import { readBounded } from './read-bounded.ts';
import { UsageError } from './usage-error.ts';

interface Options {
  readonly key?: string;
  readonly chain?: string;
  readonly relay?: string;
  readonly config?: string;
  readonly json?: true;
}

export function registerReceiptVerify(receipt: Command): void {
  receipt
    .command('verify')
    .description('checks a receipt; without network unless a chain is named')
    .argument('<file>', 'the receipt, or - for standard input')
    .option('--key <hex|vkey>', "the station's public key as you know it: hex, or a C2SP verifier key")
    .option(
      '--chain <url|spec>',
      'also ask whether the block is final: ws(s):// of a node, or a parachain spec',
    )
    .option('--relay <spec>', "the relay chain's spec, for a light client of the parachain in --chain")
    .option('--config <file>', 'ask the chain that a station.yaml names, instead of --chain')
    .option('--json', 'one JSON document')
    .action(verify);
}

async function verify(file: string, options: Options): Promise<void> {
  const transport = await transportOf(options);
  const trusted = options.key === undefined ? {} : await trustedKey(options.key);
  const { anchoredBlockOf, MAX_RECEIPT_BYTES, verifyReceipt } = await import('../receipt/index.ts');
  const bytes = await readBounded(file, MAX_RECEIPT_BYTES);
  const finality = transport === undefined ? undefined : await inquire(transport, anchoredBlockOf(bytes));
  const report = verifyReceipt(bytes, { ...trusted, ...(finality === undefined ? {} : { finality }) });
  if (options.json === true) printJson(report);
  else printReport(report);
  process.exitCode = report.ok ? ExitCode.good : ExitCode.bad;
}

/** Nobody who answers is a finding of the check, not an error: the other checks are worth having. */
async function inquire(
  transport: ChainTransport,
  block: AnchoredBlock | undefined,
): Promise<FinalityInquiry> {
  if (block === undefined) return { unanswered: 'there is no anchored block to ask about' };
  const { openBlockFinality } = await import('./block-finality.ts');
  note(`asking the chain about block ${block.blockNumber} …`);
  try {
    const chain = await openBlockFinality(transport);
    try {
      return await chain.isFinal(block);
    } finally {
      await chain.close();
    }
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    return { unanswered: `the chain could not be asked [${error.code}]: ${error.message}` };
  }
}

async function transportOf({ chain, relay, config }: Options): Promise<ChainTransport | undefined> {
  if (config !== undefined) {
    if (chain !== undefined || relay !== undefined)
      throw badOption('--config and --chain exclude each other');
    const { loadStationConfig } = await import('../config/index.ts');
    const found = loadStationConfig(config).chain;
    if (found === undefined) throw badOption(`${config} names no chain`);
    return found.transport === 'rpc'
      ? { transport: 'rpc', url: found.url }
      : { transport: 'light-client', relaySpec: found.relaySpec, paraSpec: found.paraSpec };
  }
  if (chain === undefined) {
    if (relay !== undefined) throw badOption('--relay goes with --chain');
    return undefined;
  }
  if (/^wss?:\/\//.test(chain)) {
    if (relay !== undefined) throw badOption('--relay goes with a chain spec, not with a URL');
    return { transport: 'rpc', url: chain };
  }
  if (/^[a-z]+:\/\//i.test(chain)) throw badOption('a node is asked over WebSocket: ws:// or wss://');
  if (relay === undefined) {
    throw badOption(
      'a light client follows a parachain through its relay chain',
      'name both: --chain PARACHAIN.json --relay RELAY.json',
    );
  }
  return { transport: 'light-client', relaySpec: relay, paraSpec: chain };
}

async function trustedKey(text: string): Promise<TrustedKey> {
  const { parseTrustedKey } = await import('../receipt/index.ts');
  const key = parseTrustedKey(text);
  if (key !== undefined) return key;
  throw badOption('--key is neither 64 hex digits nor a C2SP verifier key', 'see `delmonicos key show`');
}

function printReport({ ok, checks, statements, energy, session }: ReceiptReport): void {
  printTable(
    ['CHECK', 'RESULT', 'DETAIL'],
    checks.map(({ name, result, detail }) => [name, result, harmlessLine(detail)]),
  );
  for (const { index, kind, time, clock, tells, meterSerial, values } of statements) {
    const meter = meterSerial === undefined ? '' : `, meter ${harmlessLine(meterSerial)}`;
    print(`\nentry ${index}: ${kind} at ${time} (clock: ${clock})${meter}`);
    if (tells !== undefined) print(`  ${harmlessLine(tells)}`);
    for (const { obis, value, unit, quality } of values ?? []) {
      print(`  ${obis.padEnd(16)} ${value} ${unit}${quality === 'G' ? '' : ` (quality ${quality})`}`);
    }
  }
  if (session !== null) printSession(session);
  for (const { meterSerial, fromIndex, toIndex, wh } of session === null ? energy : []) {
    print(
      `\nmeter ${harmlessLine(meterSerial)}: ${wh} Wh imported from entry ${fromIndex} to entry ${toIndex}`,
    );
  }
  print(`\nreceipt: ${verdict(ok, checks)}`);
}

/** Anybody can make a station of their own: without a key to compare with, nothing is known but that the file is whole. */
function verdict(ok: boolean, checks: readonly Check[]): string {
  if (!ok) return 'NOT GOOD';
  const isCompared = checks.some(({ name, result }) => name === 'trusted-key' && result === 'pass');
  return isCompared ? 'good' : 'intact; whose key signed it was NOT CHECKED (--key)';
}

function printSession(session: SessionSummary): void {
  const { sessionId, evseId, meterSerial, begin, end, wh, entriesShown, entriesBetween } = session;
  print(
    `\nsession ${harmlessLine(sessionId)} at ${harmlessLine(evseId)}, meter ${harmlessLine(meterSerial)}`,
  );
  for (const [name, { index, time, clock, register }] of Object.entries({ begin, end })) {
    const shows = register === null ? 'no good register' : `register ${register} Wh`;
    print(`  ${name.padEnd(8)}${time} (clock: ${clock}), ${shows}, entry ${index}`);
  }
  print(`  energy  ${wh === null ? 'not certain: see the checks' : `${wh} Wh`}`);
  print(`  between ${entriesShown} of ${entriesBetween} entries of the log are in the receipt`);
}

function badOption(message: string, hint?: string): UsageError {
  return new UsageError('usage.bad_option', message, hint === undefined ? {} : { hint });
}
