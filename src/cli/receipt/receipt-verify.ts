import type { Command } from 'commander';
import { StationError } from '../../../hal/contract/index.ts';
import type { ChainTransport } from '../../chain/index.ts';
import type {
  AnchoredBlock,
  Check,
  FinalityInquiry,
  ReceiptReport,
  SessionSummary,
  TrustedKey,
} from '../../receipt/index.ts';
import { duration } from '../duration-option.ts';
import { ExitCode, harmlessLine, note, print, printJson, printTable } from '../output.ts';
import { readBounded } from '../read-bounded.ts';
import { UsageError } from '../usage-error.ts';

interface Options {
  readonly key?: string;
  readonly chain?: string;
  readonly relay?: string;
  readonly config?: string;
  readonly timeout?: number;
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
    .option(
      '--relay <spec>',
      "the relay chain's spec for a light client; default: the one beside --chain that it names",
    )
    .option(
      '--timeout <duration>',
      'how long the chain may take to answer; default: 1m for a node, 3m for a light client',
      duration,
    )
    .option('--config <file>', 'ask the chain that a station.yaml names, instead of --chain')
    .option('--json', 'one JSON document')
    .action(verify);
}

async function verify(file: string, options: Options): Promise<void> {
  const transport = await transportOf(options);
  const trusted = options.key === undefined ? {} : await trustedKey(options.key);
  const { anchoredBlockOf, MAX_RECEIPT_BYTES, verifyReceipt } = await import('../../receipt/index.ts');
  const bytes = await readBounded(file, MAX_RECEIPT_BYTES);
  const finality =
    transport === undefined ? undefined : await inquire(transport, anchoredBlockOf(bytes), options);
  const report = verifyReceipt(bytes, { ...trusted, ...(finality === undefined ? {} : { finality }) });
  if (options.json === true) printJson(report);
  else printReport(report);
  process.exitCode = report.ok ? ExitCode.good : ExitCode.bad;
}

/** Nobody who answers is a finding of the check, not an error: the other checks are worth having. */
async function inquire(
  transport: ChainTransport,
  block: AnchoredBlock | undefined,
  { timeout: timeoutMs }: Options,
): Promise<FinalityInquiry> {
  if (block === undefined) return { unanswered: 'there is no anchored block to ask about' };
  const { openBlockFinality, unansweredWords } = await import('./block-finality.ts');
  const whom = transport.transport === 'rpc' ? 'a node' : 'a light client';
  note(`asking ${whom} about block ${block.blockNumber} …`);
  try {
    const onProgress = (words: string): void => note(`${whom}: ${words} …`);
    const chain = await openBlockFinality(transport, { timeoutMs, onProgress });
    try {
      return await chain.isFinal(block);
    } finally {
      await chain.close();
    }
  } catch (error) {
    if (!(error instanceof StationError)) throw error;
    if (error.code === 'chain.spec_unreadable') {
      throw new UsageError('usage.file_unreadable', error.message, { cause: error });
    }
    return { unanswered: unansweredWords(error) };
  }
}

async function transportOf({ chain, relay, config, timeout }: Options): Promise<ChainTransport | undefined> {
  if (config !== undefined) {
    if (chain !== undefined || relay !== undefined)
      throw badOption('--config and --chain exclude each other');
    const { loadStationConfig } = await import('../../config/index.ts');
    const found = loadStationConfig(config).chain;
    if (found === undefined) throw badOption(`${config} names no chain`);
    if (found.transport === 'rpc') return { transport: 'rpc', url: found.url };
    const { relaySpec, paraSpec, bootNodes } = found;
    return {
      ...{ transport: 'light-client', ...(relaySpec !== undefined && { relaySpec }), paraSpec },
      ...(bootNodes && { bootNodes }),
    };
  }
  if (chain === undefined) {
    if (relay !== undefined) throw badOption('--relay goes with --chain');
    if (timeout !== undefined) throw badOption('--timeout goes with --chain or --config');
    return undefined;
  }
  if (/^wss?:\/\//.test(chain)) {
    if (relay !== undefined) throw badOption('--relay goes with a chain spec, not with a URL');
    return { transport: 'rpc', url: chain };
  }
  if (/^[a-z]+:\/\//i.test(chain)) throw badOption('a node is asked over WebSocket: ws:// or wss://');
  const { lightClientSpecs } = await import('./light-client-specs.ts');
  return { transport: 'light-client', ...(await lightClientSpecs(chain, relay)) };
}

async function trustedKey(text: string): Promise<TrustedKey> {
  const { parseTrustedKey } = await import('../../receipt/index.ts');
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
