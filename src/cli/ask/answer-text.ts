import { bytesOf, clockOf, durationOf, numberOf, textOf, timeOf, told, toldList, type Told } from './told.ts';

export type Style = 'good' | 'warning' | 'bad' | 'dim';
/** Colours on a terminal, nothing elsewhere. */
export type Paint = (style: Style, text: string) => string;

const STATE_STYLE: Readonly<Record<string, Style>> = {
  ok: 'good',
  unknown: 'dim',
  warning: 'warning',
  fault: 'bad',
};

/** Lines of what a station answered, for people. Pure: each text of the station is made harmless for a terminal. */
export function doctorText(document: Told, station: string, paint: Paint): string[] {
  const about = told(document['station']);
  const head = `${textOf(station)}, version ${textOf(about['version'])}, up ${durationOf(document['asOfMs'])} (boot ${textOf(about['boot'])}), ${timeOf(document['time'])} (clock: ${clockOf(document['clock'])})`;
  const lines = toldList(document['items']).flatMap((item) => {
    const state = textOf(item['state']);
    const subject = item['subject'] === undefined ? '' : ` ${textOf(item['subject'])}`;
    const code = typeof item['code'] === 'string' ? ` [${textOf(item['code'])}]` : '';
    const shown = paint(STATE_STYLE[state] ?? 'dim', state.padEnd(8));
    const first = `${shown} ${textOf(item['check'])}${subject}:${code} ${textOf(item['detail'])}`;
    const advice = item['advice'];
    return typeof advice === 'string' ? [first, `${' '.repeat(9)}-> ${textOf(advice)}`] : [first];
  });
  return [head, ...lines];
}

export function readingText(document: Told): string[] {
  const meter = told(document['meter']);
  const [begin, end] = [numberOf(document['readBeginMs']), numberOf(document['readEndMs'])];
  const within =
    begin === undefined || end === undefined
      ? ''
      : `, read within ${Math.max(1, Math.round(end - begin))} ms`;
  const rows = toldList(document['values']).map((value) => [
    textOf(value['obis']),
    textOf(value['value']),
    textOf(value['unit']),
    textOf(value['quality']),
  ]);
  return [
    `${textOf(meter['id'])}: ${textOf(meter['profile'])}, serial ${textOf(meter['serial'])}${within}`,
    ...columns(['OBIS', 'VALUE', 'UNIT', 'QUALITY'], rows, [1]),
  ];
}

/** One frame, or one change of the line. */
export function frameText(frame: Told, paint: Paint): string[] {
  const at = `${(numberOf(frame['atMs']) ?? 0).toFixed(1)} ms`.padStart(11);
  if (typeof frame['line'] === 'string') {
    const cause = typeof frame['cause'] === 'string' ? `: ${textOf(frame['cause'])}` : '';
    return [`${at}  line ${textOf(frame['line'])}${cause}`];
  }
  const hex = textOf(frame['hex']).replace(/..(?=.)/g, '$& ');
  const lines = [`${at}  ${frame['direction'] === 'out' ? '->' : '<-'} ${hex === '' ? '(nothing)' : hex}`];
  const detail = (text: string): number => lines.push(`${' '.repeat(13)}${text}`);
  const [first, count] = [numberOf(frame['registerAddress']), numberOf(frame['registerCount'])];
  if (frame['direction'] === 'out' && first !== undefined && count !== undefined) {
    const code = numberOf(frame['function']);
    const table = code === 3 ? 'holding' : 'input';
    detail(
      `unit ${textOf(frame['unit'])}, function ${code ?? '?'}: ${table} registers ${first} to ${first + count - 1}`,
    );
  }
  const after = numberOf(frame['afterMs']);
  if (after !== undefined) detail(`after ${after.toFixed(1)} ms`);
  if (typeof frame['problem'] === 'string') detail(paint('bad', `! ${textOf(frame['problem'])}`));
  for (const [name, value] of Object.entries(told(frame['values'])))
    detail(`${textOf(name)} = ${textOf(value)}`);
  return lines;
}

/** How a trace ended. */
export function traceEndText(last: Told, paint: Paint): string[] {
  const [left, others] = [numberOf(last['left']) ?? 0, numberOf(last['others']) ?? 0];
  const reading = told(last['reading']);
  const error = told(reading['error']);
  const lines: string[] = [];
  if (others > 0) lines.push(paint('dim', `${others} frames of other meters on this line are not shown`));
  if (left > 0) lines.push(paint('warning', `${left} frames more than an answer holds`));
  if (reading['ok'] === true) lines.push(paint('good', 'the meter answered the reading'));
  else if (reading['ok'] === false)
    lines.push(
      paint('bad', `the reading failed: [${textOf(error['code'])}] ${textOf(error['message'])}`),
      ...(typeof error['hint'] === 'string' ? [`  -> ${textOf(error['hint'])}`] : []),
    );
  else lines.push('the reading is still under way');
  return lines;
}

export function journalText(figures: Told): string[] {
  const [oldest, newest] = [told(figures['oldest']), told(figures['newest'])];
  const pruned = told(figures['pruned']);
  const gone = numberOf(pruned['entries']) ?? 0;
  const rows: [string, string][] = [
    ['origin', textOf(figures['origin'])],
    ['size', `${textOf(figures['size'])} entries, ${bytesOf(figures['bytes'])}`],
    ['root', textOf(figures['root'])],
    ['oldest', `${textOf(oldest['index'])} at ${timeOf(oldest['timeMs'])}`],
    ['newest', `${textOf(newest['index'])} at ${timeOf(newest['timeMs'])}`],
    ['boots', textOf(figures['bootCount'])],
    ['anchored', `${textOf(figures['anchoredSize'])}; ${textOf(figures['backlog'])} wait for an anchor`],
  ];
  if (gone > 0) rows.push(['gone', `${gone} entries in ${textOf(pruned['ranges'])} runs`]);
  return [...rows, ...flashRows(told(figures['flash']))].map(([name, text]) => `${name.padEnd(10)} ${text}`);
}

function flashRows(flash: Told): [string, string][] {
  const rows: [string, string][] = [];
  const perDay = numberOf(told(flash['written'])['bytesPerDay']);
  rows.push(['to flash', perDay === undefined ? 'not known yet' : `${bytesOf(Math.round(perDay))} a day`]);
  if (numberOf(flash['lifeYears']) !== undefined)
    rows.push(['flash life', `${textOf(flash['lifeYears'])} years, if nothing else writes to it`]);
  for (const { device, lifeUsedPercent } of toldList(flash['emmc'])) {
    const used = numberOf(lifeUsedPercent);
    rows.push([
      'eMMC',
      `${textOf(device)}: ${used === undefined ? 'does not tell its wear' : `up to ${used} % of its life used`}`,
    ]);
  }
  return rows;
}

/** What is shown while a round runs; undefined: nothing to say. */
export function syncProgress(part: Told): string | undefined {
  const [first] = toldList(part['states']);
  return first === undefined ? undefined : textOf(first['text']);
}

export function syncText(last: Told, paint: Paint): { readonly lines: string[]; readonly isGood: boolean } {
  const round = told(last['round']);
  const anchor = told(round['anchor']);
  const error = told(round['error']);
  const state = round['state'];
  if (state === 'failed') {
    const hint = typeof error['hint'] === 'string' ? [`  -> ${textOf(error['hint'])}`] : [];
    const why = `the round failed: [${textOf(error['code'])}] ${textOf(error['message'])}`;
    return { lines: [paint('bad', why), ...hint], isGood: false };
  }
  if (state === 'running' || typeof state !== 'string')
    return { lines: ['no round was begun'], isGood: false };
  if (round['anchor'] === null || round['anchor'] === undefined)
    return { lines: [`${textOf(state)}: all entries are covered`], isGood: true };
  const block = `block ${textOf(anchor['blockNumber'])} (${textOf(anchor['blockHash'])})`;
  return {
    lines: [`${textOf(anchor['size'])} entries in ${block}, via ${textOf(anchor['via'])}`],
    isGood: true,
  };
}

export function logLevelText(document: Told, station: string, forMs: number): string[] {
  const then = textOf(document['configured']);
  return [
    `${textOf(station)} publishes its log from level ${textOf(document['level'])} for ${durationOf(forMs)}, then from ${then} again`,
  ];
}

export function watchText(document: Told, station: string, forMs: number): string[] {
  const topic = `meters/${textOf(document['meter'])}/sample`;
  return [`${textOf(station)} publishes each reading on ${topic} for ${durationOf(forMs)}`];
}

/** @param rights columns whose cells stand at their right */
function columns(head: readonly string[], rows: readonly string[][], rights: readonly number[]): string[] {
  const widths = head.map((cell, i) => Math.max(cell.length, ...rows.map((row) => (row[i] ?? '').length)));
  return [head, ...rows].map((row) =>
    row
      .map((cell, i) => (rights.includes(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
