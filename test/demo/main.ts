// The demo: the real service on a simulated station, a broker and a dev network; then everything it did is checked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Auditor } from './auditor.ts';
import { conclude, type Summary } from './conclusion.ts';
import { LiveReceipt } from './live-receipt.ts';
import { observe, type Observer } from './observer.ts';
import { parseDemoOptions, USAGE, type DemoOptions } from './options.ts';
import { renderPanel } from './panel.ts';
import { panelState, type Scene } from './panel-state.ts';
import { pictureOf } from './picture.ts';
import { startWorld, type World } from './world.ts';
import { ServiceProcess } from '../support/product.ts';

/** The panel is drawn this often. */
const FRAME_MS = 250;
/** New entries are compared with the simulator's truth this often, and once more at the end. */
const AUDIT_EVERY_MS = 10_000;
const REPORT_EVERY_MS = 5_000;
const RUNNING = 'running';
/** As shells have it: 128 and the number of SIGINT. */
const INTERRUPTED = 130;

async function main(): Promise<number> {
  const terminal = process.stdout.isTTY && process.env['TERM'] !== 'dumb';
  let options: DemoOptions | undefined;
  try {
    options = parseDemoOptions(process.argv.slice(2), terminal);
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${USAGE}\n`);
    return 2;
  }
  if (options === undefined) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const directory = options.stateDirectory ?? mkdtempSync(path.join(os.tmpdir(), 'delmonicos-demo-'));
  const screen = new Screen(options, terminal && !options.json);
  const interrupted = untilInterrupted();
  screen.say('starting a simulated station, a broker and a dev network …');
  let world: World | undefined;
  try {
    world = await startWorld({ directory, broker: options.broker, anchorEvery: '15s', groupCommit: '2s' });
    if (interrupted.aborted) return INTERRUPTED;
    for (const note of world.notes) screen.note(note);
    const summary = await perform(world, options, { screen, interrupted });
    screen.finish(summary);
    return isGood(summary) ? 0 : 1;
  } finally {
    screen.restore();
    await world?.stop();
    if (options.stateDirectory === undefined) rmSync(directory, { recursive: true, force: true });
  }
}

/** Ctrl-C, a closed terminal, or whoever started us has had enough. What is starting is waited for and ended; a second signal ends us at once. */
function untilInterrupted(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => abort.abort());
  return abort.signal;
}

interface Stage {
  readonly screen: Screen;
  readonly interrupted: AbortSignal;
}

async function perform(world: World, options: DemoOptions, { screen, interrupted }: Stage): Promise<Summary> {
  const observer = await observe(world.brokerUrl, world.stationName);
  const service = ServiceProcess.start(world.configPath, world.stateDirectory);
  const auditor = new Auditor(world.station.truth, world.stateDirectory);
  const receipt = new LiveReceipt(world);
  const startedMono = performance.now();
  const scene = (phase: string): Scene => ({
    phase,
    elapsedS: Math.floor((performance.now() - startedMono) / 1_000),
    forS: options.forS,
    world,
    seen: observer.see(),
    service,
    receipt: receipt.result,
  });
  try {
    const started = await service.event((event) => event['event'] === 'started');
    // Its first two entries are of this run already.
    const sizeBefore = Number(started['size']) - 2;
    auditor.skipTo(sizeBefore);
    const draw = (): void => screen.draw(scene(RUNNING));
    await runFor(options, { service, auditor, receipt, draw, interrupted });
    screen.draw(scene('checking everything'));
    return await conclude({ world, service, auditor, observer, startedMono, sizeBefore });
  } finally {
    await service.stop('SIGKILL');
    await quietly(observer);
  }
}

async function quietly(observer: Observer): Promise<void> {
  await observer.stop().catch(() => undefined);
}

interface RunParts {
  readonly service: ServiceProcess;
  readonly auditor: Auditor;
  readonly receipt: LiveReceipt;
  readonly draw: () => void;
  readonly interrupted: AbortSignal;
}

/** Until the time is over, Ctrl-C, or the service ends by itself. */
async function runFor({ forS }: DemoOptions, parts: RunParts): Promise<void> {
  const abort = new AbortController();
  const timer = forS === undefined ? undefined : setTimeout(() => abort.abort(), forS * 1_000);
  const over = AbortSignal.any([abort.signal, parts.interrupted]);
  const frame = setInterval(parts.draw, FRAME_MS);
  const audit = setInterval(() => void parts.auditor.continue().catch(() => undefined), AUDIT_EVERY_MS);
  const receipt = setInterval(() => parts.receipt.tryOnce(parts.service), REPORT_EVERY_MS);
  await Promise.race([
    new Promise<void>((resolve) => {
      if (over.aborted) resolve();
      over.addEventListener('abort', () => resolve());
    }),
    parts.service.exited,
  ]);
  clearTimeout(timer);
  for (const interval of [frame, audit, receipt]) clearInterval(interval);
}

function isGood({ samples, wrong, journal, anchor, receipt, service }: Summary): boolean {
  return (
    samples > 0 &&
    wrong === 0 &&
    journal.verified &&
    anchor?.final === true &&
    receipt?.verified === true &&
    endedWell(service)
  );
}

function endedWell({ status, byItself }: Summary['service']): boolean {
  return status === 0 && !byItself;
}

/** Where the demo speaks: a panel that is redrawn, plain lines, or JSON lines. */
class Screen {
  readonly #options: DemoOptions;
  readonly #panel: boolean;
  #lastRunning: readonly string[] = [];
  #lastReportMono = 0;

  constructor(options: DemoOptions, panel: boolean) {
    this.#options = options;
    this.#panel = panel;
    if (panel) process.stdout.write('\u001b[?25l\u001b[2J');
  }

  say(text: string): void {
    if (this.#panel) process.stdout.write(`\u001b[H${text}\u001b[K`);
    else process.stderr.write(`${text}\n`);
  }

  /** What the panel shows by itself at its foot. */
  note(text: string): void {
    if (!this.#panel) process.stderr.write(`${text}\n`);
  }

  draw(scene: Scene): void {
    const state = panelState(scene);
    const lines = renderPanel(state, this.#panel ? process.stdout.columns : 110, true);
    if (scene.phase === RUNNING) this.#lastRunning = lines;
    if (this.#panel) {
      process.stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join('\n')}\u001b[J`);
      return;
    }
    if (performance.now() - this.#lastReportMono < REPORT_EVERY_MS) return;
    this.#lastReportMono = performance.now();
    const { elapsedS, samples, journal, anchor, messages, phase } = state;
    const line = { elapsedS, phase, samples, entries: journal?.size ?? 0, anchor: anchor ?? null, messages };
    if (this.#options.json) process.stdout.write(`${JSON.stringify(line)}\n`);
    else process.stderr.write(`${renderPanel(state, 110, false).join('\n')}\n\n`);
  }

  finish(summary: Summary): void {
    const { picture } = this.#options;
    if (picture !== undefined) writeFileSync(picture, pictureOf(this.#lastRunning));
    if (this.#options.json) {
      process.stdout.write(`${JSON.stringify(summary)}\n`);
      return;
    }
    process.stdout.write(`\n${verdict(summary)}\n`);
  }

  restore(): void {
    if (this.#panel) process.stdout.write('\u001b[?25h\n');
  }
}

function verdict({
  seconds,
  samples,
  wrong,
  journal,
  anchor,
  receipt,
  telemetry,
  service,
  mismatches,
}: Summary): string {
  const mark = (good: boolean): string => (good ? '✔' : '✘');
  return [
    `after ${seconds} s:`,
    `${mark(wrong === 0 && samples > 0)} ${samples} readings in the journal, ${wrong} wrong against the simulator's own truth`,
    ...mismatches.map(
      ({ meterSerial, obis, reason, detail }) => `    ${meterSerial} ${obis ?? ''} ${reason}: ${detail}`,
    ),
    `${mark(journal.verified)} journal of ${journal.size} entries verified, root ${journal.root}`,
    anchor === null
      ? `${mark(false)} no anchor`
      : `${mark(anchor.final)} anchor of ${anchor.size} entries through ${anchor.via}, ${anchor.final ? 'final' : 'NOT final'}\n    block #${anchor.block} ${anchor.blockHash}`,
    receipt === null
      ? `${mark(false)} no receipt`
      : `${mark(receipt.verified)} receipt for entry ${receipt.index} ${receipt.verified ? 'verified' : 'NOT verified'}`,
    `  ${telemetry.messages} MQTT messages`,
    ...(endedWell(service)
      ? []
      : [
          `${mark(false)} the service ended ${service.byItself ? 'by itself ' : ''}with ${service.signal ?? service.status}`,
        ]),
  ].join('\n');
}

// A terminal that was closed, a pipe that nobody reads: what was started is ended in order all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.exitCode = await main();
