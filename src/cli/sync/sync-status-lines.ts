// The lines of `sync status`. Pure.
import type { StoredSyncStatus, SyncFailure, SyncStatus, Traffic } from '../../sync/index.ts';
import type * as Sync from '../../sync/index.ts';

type InWords = Pick<typeof Sync, 'amountInWords' | 'bytesInWords' | 'durationInWords'>;

/** What a running service says: the states with what to do, then the figures. */
export function liveLines(status: SyncStatus, inWords: InWords): string[] {
  const lines = status.words.flatMap(({ state, text, advice }) => [
    `${state.padEnd(16)}  ${text}`,
    ...(advice === null ? [] : [`${' '.repeat(16)}  -> ${advice}`]),
  ]);
  return [...lines, ...figures(status, inWords).map(([name, text]) => `${name.padEnd(16)}  ${text}`)];
}

function figures(status: SyncStatus, inWords: InWords): [string, string][] {
  const { transport, seen, balance, lastCost, gateway, traffic, backlog } = status;
  const { amountInWords, bytesInWords, durationInWords } = inWords;
  const token = seen?.token ?? null;
  const rows: [string, string][] = [['backlog', `${backlog} entries`]];
  if (seen !== null) {
    const age = seen.finalizedAgeMs === null ? '' : `, new ${durationInWords(seen.finalizedAgeMs)} ago`;
    const height = seen.finalizedNumber === null ? '' : `, finalized block ${seen.finalizedNumber}${age}`;
    rows.push(['chain', `${seen.specName} ${seen.specVersion} by ${transport}${height}`]);
  }
  const bytes = [
    trafficWords('this session', traffic.session, bytesInWords),
    trafficWords('the last one', traffic.last, bytesInWords),
    trafficWords('today', traffic.today, bytesInWords),
  ].filter((words) => words !== '');
  if (bytes.length > 0) rows.push(['bytes', bytes.join('; ')]);
  if (lastCost !== null) rows.push(['last anchor cost', amountInWords(lastCost, token)]);
  if (balance.free !== null) {
    const limit = balance.lowBelow === null ? '' : `, low below ${amountInWords(balance.lowBelow, token)}`;
    rows.push(['balance', `${amountInWords(balance.free, token)}${limit}`]);
  }
  if (gateway !== null) {
    rows.push(['gateway', `pid ${gateway.pid ?? 'unknown'}, ${bytesInWords(gateway.rssBytes)}`]);
  }
  return rows;
}

function trafficWords(what: string, traffic: Traffic | null, bytesInWords: InWords['bytesInWords']): string {
  if (traffic === null) return '';
  return `${what} ${bytesInWords(traffic.bytesIn)} in, ${bytesInWords(traffic.bytesOut)} out`;
}

/** One line for `--watch`, and a key that changes when there is something new to say: not with every second of an age. */
export function liveSummary({ words, anchoredSize, open, link, lastAnchor }: SyncStatus): [string, string] {
  const { state, text, advice } = words[0];
  const others = words.slice(1).map((each) => each.state);
  const reached = [link?.stage, link?.peers, link?.finalized, link?.best, open?.state, open?.size];
  const key = JSON.stringify([state, others, anchoredSize, reached]);
  const anchor =
    lastAnchor === null ? '' : `  [anchored ${lastAnchor.size}, block ${lastAnchor.blockNumber}]`;
  const also = others.length === 0 ? '' : `  also: ${others.join(', ')}`;
  const todo = advice === null ? '' : `  -> ${advice}`;
  return [key, `${state.padEnd(16)}  ${text}${anchor}${also}${todo}`];
}

/** What is stored, whether a service runs or not. */
export function storedWords({ intents, lastAnchor, failure }: StoredSyncStatus): string[] {
  const lines = [
    lastAnchor === null
      ? 'nothing is anchored yet'
      : `anchored: ${lastAnchor.size} entries, block ${lastAnchor.blockNumber} (${lastAnchor.blockHash}), ${viaWords(lastAnchor.via)}`,
  ];
  for (const { kind, state, size, attempt } of [...intents].reverse()) {
    const words = OPEN_WORDS[state];
    if (words === undefined) continue;
    const what = kind === 'publish' ? `published up to entry ${size}` : `${size} entries`;
    lines.push(`${what}: ${words}${attempt === null ? '' : ` (attempt ${attempt.ordinal})`}`);
  }
  if (failure !== null) lines.push(failureWords(failure));
  return lines;
}

const OPEN_WORDS: Readonly<Record<string, string>> = {
  planned: 'planned, waits for the network',
  signed: 'signed, not known to have left',
  broadcast: 'handed to the network, in no block yet',
  inBlock: 'in a block that is not final yet',
  expired: 'did not get into a block in time, will be signed anew',
};

export function viaWords(via: 'light-client' | 'rpc'): string {
  return via === 'rpc' ? 'as a node said' : 'as a light client verified';
}

function failureWords({ code, message, hint, failures, atMs }: SyncFailure): string {
  const times = failures === 1 ? 'failed' : `failed (${failures} times in a row by then)`;
  return `last sync ${times} at ${new Date(atMs).toISOString()} [${code}]: ${message}${hint === null ? '' : ` (${hint})`}`;
}
