// The live panel of the demo: a pure function from what is known to lines of text.

export interface PanelMeter {
  readonly id: string;
  readonly model: string;
  readonly line: string;
  readonly controlPilot: string;
  /** Decimal strings as published, or undefined before the first sample. */
  readonly powerW: string | undefined;
  readonly energyWh: string | undefined;
  /** Power of the last samples, oldest first, in watts. */
  readonly powerTrail: readonly number[];
}

export interface PanelAnchor {
  readonly size: number;
  readonly block: number;
  readonly blockHash: string;
  readonly final: boolean;
}

export interface PanelState {
  readonly elapsedS: number;
  readonly forS: number | undefined;
  readonly phase: string;
  readonly meters: readonly PanelMeter[];
  readonly samples: number;
  readonly journal: { readonly size: number; readonly root: string; readonly bytes: number } | undefined;
  readonly sync: { readonly state: string; readonly via: string } | undefined;
  readonly anchor: PanelAnchor | undefined;
  readonly anchors: number;
  readonly receipt: { readonly index: number; readonly verified: boolean } | undefined;
  readonly messages: number;
  readonly notes: readonly string[];
}

const BARS = '▁▂▃▄▅▆▇█';
const STYLE = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
const PILOT: Record<string, string> = {
  A: 'no vehicle',
  B: 'connected',
  C: 'charging',
  D: 'charging',
  E: 'fault',
  F: 'off',
};

/** Lines of the panel, each at most `width` columns wide; `colour` adds ANSI styles. */
export function renderPanel(state: PanelState, width: number, colour: boolean): string[] {
  const paint = (style: keyof typeof STYLE, text: string): string =>
    colour ? `\u001b[${STYLE[style]}m${text}\u001b[0m` : text;
  const inner = Math.max(60, Math.min(width, 110)) - 2;
  const rule = (title: string): string =>
    `${paint('dim', '──')} ${paint('bold', title)} ${paint('dim', '─'.repeat(Math.max(0, inner - title.length - 3)))}`;
  const clock = state.forS === undefined ? `${state.elapsedS} s` : `${state.elapsedS} / ${state.forS} s`;
  return [
    `${paint('bold', 'Delmonicos Inside')}  ${paint('dim', `simulated station · ${clock} · ${state.phase}`)}`,
    '',
    rule('meters'),
    ...state.meters.map((meter) => meterRow(meter, paint)),
    '',
    rule('journal'),
    ...journalRows(state, paint),
    '',
    rule('chain'),
    ...chainRows(state, paint),
    '',
    ...state.notes.map((note) => paint('dim', note)),
    paint(
      'dim',
      state.forS === undefined ? 'Ctrl-C ends the demo, checks everything and prints the result.' : '',
    ),
  ].map((line) => clip(line, inner + 2));
}

type Paint = (style: keyof typeof STYLE, text: string) => string;

function meterRow(meter: PanelMeter, paint: Paint): string {
  const pilot = `${meter.controlPilot} ${PILOT[meter.controlPilot] ?? ''}`.padEnd(12);
  const charging = meter.controlPilot === 'C' || meter.controlPilot === 'D';
  return [
    ` ${meter.id.padEnd(6)}`,
    paint('dim', `${meter.model.padEnd(24)} ${meter.line.padEnd(6)}`),
    meter.controlPilot === '' ? ' '.repeat(12) : paint(charging ? 'green' : 'dim', pilot),
    `${group(meter.powerW?.split('.')[0]).padStart(8)} W`,
    paint('cyan', sparkline(meter.powerTrail).padEnd(16)),
    `${group(meter.energyWh?.split('.')[0]).padStart(12)} Wh`,
  ].join(' ');
}

function journalRows({ journal, samples, messages }: PanelState, paint: Paint): string[] {
  if (journal === undefined) return [paint('dim', ' not open yet')];
  const kib = Math.round(journal.bytes / 1024);
  return [
    ` ${paint('bold', String(journal.size))} entries signed and stored · ${samples} samples · ${kib} KiB on disk · ${messages} MQTT messages`,
    ` root ${paint('cyan', journal.root)}`,
  ];
}

function chainRows({ sync, anchor, anchors, journal, receipt }: PanelState, paint: Paint): string[] {
  const backlog = journal === undefined ? 0 : journal.size - (anchor?.final === true ? anchor.size : 0);
  const rows = [
    ` ${sync?.via ?? 'light client'} · ${sync?.state ?? 'not started'} · backlog ${backlog} entries`,
  ];
  if (anchor === undefined) rows.push(paint('dim', ' no anchor yet'));
  else {
    const finality = anchor.final ? paint('green', 'final') : paint('yellow', 'in block, not final yet');
    rows.push(` anchor ${anchors}: ${anchor.size} entries in block #${anchor.block} ${finality}`);
    rows.push(` block ${paint('cyan', anchor.blockHash)}`);
  }
  if (receipt !== undefined) {
    const verdict = receipt.verified ? paint('green', '✔ verified offline') : paint('red', '✘ not verified');
    rows.push(` receipt for entry ${receipt.index}: ${verdict}`);
  }
  return rows;
}

/** Bars for the last values, scaled to the largest of them. */
export function sparkline(values: readonly number[]): string {
  const top = Math.max(1, ...values);
  return values
    .slice(-16)
    .map((value) => BARS[Math.max(0, Math.min(7, Math.round((value / top) * 7)))])
    .join('');
}

function group(digits: string | undefined): string {
  return digits === undefined ? '-' : digits.replace(/\B(?=(\d{3})+$)/g, ' ');
}

/** Cuts at `width` visible columns and keeps ANSI styles whole. */
function clip(line: string, width: number): string {
  let visible = 0;
  let out = '';
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    if (part.startsWith('\u001b')) out += part;
    else {
      const rest = [...part].slice(0, Math.max(0, width - visible));
      visible += rest.length;
      out += rest.join('');
    }
  }
  return out;
}
