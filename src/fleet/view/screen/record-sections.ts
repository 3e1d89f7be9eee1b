import type { StationDetail } from '../model/station-detail.ts';
import type { StationSummary } from '../model/station-summary.ts';
import { count, flag, part, text, texts, type Fields } from '../model/fields.ts';
import { named } from './equipment-sections.ts';
import { wrapped, type Line } from './lines.ts';
import { figureOf, figuresSection } from './section.ts';
import { ageOf, bytes, grouped } from './words.ts';

export function journalSection({ documents, booted }: StationDetail, nowMs: number, columns: number): Line[] {
  const { journal } = documents;
  if (journal === undefined) return [];
  const flash = part(journal['flash']);
  const perDay = count(flash['bytesPerDay']);
  const refused = text(journal['refusedBecause']);
  const committedMs = count(journal['lastCommitMs']);
  const maxBytes = count(journal['maxBytes']);
  const of = maxBytes === null ? '' : ` of ${bytes(maxBytes)}`;
  const figures: (Line | null)[] = [
    refused === null ? null : figureOf('refuses entries:', refused, 'red'),
    figureOf('size', grouped(count(journal['size']))),
    figureOf('backlog', grouped(count(journal['backlog']))),
    figureOf('disk', `${bytes(count(journal['bytes']))}${of}`),
    perDay === null ? null : figureOf('flash', `${bytes(perDay)}/day`),
    named(
      flash,
      'lifeDays',
      (value) => (count(value) === null ? null : `${grouped(count(value))} days left`),
      'life',
    ),
    named(flash, 'wornPercent', (value) => (count(value) === null ? null : `${count(value)} %`), 'worn'),
    named(
      journal,
      'completeFrom',
      (value) => ((count(value) ?? 0) === 0 ? null : grouped(count(value))),
      'complete from',
    ),
    named(journal, 'dropped', (value) => (count(value) === null ? null : grouped(count(value))), 'gave way'),
    named(journal, 'waiting', (value) => (count(value) === null ? null : grouped(count(value)))),
    committedMs === null || booted === null
      ? null
      : figureOf('committed', ageOf(booted.atMs + committedMs, nowMs)),
    figureOf('root', text(journal['root'], 20) ?? '-'),
  ];
  return figuresSection('journal', figures, columns);
}

export function syncSection(
  { documents }: StationDetail,
  summary: StationSummary | undefined,
  nowMs: number,
  columns: number,
): Line[] {
  const { sync } = documents;
  if (sync === undefined) return [];
  const anchor = summary?.sync?.anchor ?? null;
  const failure = text(sync['failure']);
  const finalized = part(sync['finalized']);
  const advice = text(sync['advice'], 400);
  const today = part(part(sync['traffic'])['today']);
  const faults = texts(sync['faults'], 8);
  const outbox = Object.entries(part(sync['outbox'])).slice(0, 8);
  const figures: (Line | null)[] = [
    figureOf('is', texts(sync['states'], 6).join(', ') || '-'),
    failure === null ? null : figureOf('failure', failure, 'red'),
    faults.length === 0 ? null : figureOf('faults', faults.join(', '), 'red'),
    figureOf(
      'last anchor',
      anchor === null
        ? 'none'
        : `${grouped(anchor.size)} entries in block ${grouped(anchor.block)}${anchor.atMs === null ? '' : `, ${ageOf(anchor.atMs, nowMs)} ago`}`,
      anchor === null ? 'yellow' : 'plain',
    ),
    named(sync, 'transport', (value) => text(value), 'via'),
    named(sync, 'stage', (value) => text(value)),
    named(sync, 'peers', (value) => (count(value) === null ? null : String(count(value)))),
    named(
      sync,
      'relayPeers',
      (value) => (count(value) === null ? null : String(count(value))),
      'relay peers',
    ),
    named(finalized, 'block', (value) => (count(value) === null ? null : grouped(count(value))), 'finalized'),
    ...outbox.map(([state, many]): Line => figureOf(`outbox ${state}`, grouped(count(many)))),
    named(sync, 'heldBy', (value) => text(value), 'held by'),
    named(sync, 'cost', (value) => text(value, 40)),
    named(part(sync['balance']), 'free', (value) => text(value, 40), 'balance'),
    flag(part(sync['balance'])['low']) === true ? figureOf('balance is', 'low', 'red') : null,
    traffic(today),
  ];
  const lines = figuresSection('sync', figures, columns);
  return advice === null ? lines : [...lines, ...wrapped(`→ ${advice}`, 1, columns, 'cyan')];
}

function traffic(today: Fields): Line | null {
  const inward = count(today['bytesIn']);
  return inward === null
    ? null
    : figureOf('today', `${bytes(inward)} in, ${bytes(count(today['bytesOut']))} out`);
}

export function configSection({ documents }: StationDetail, columns: number): Line[] {
  const { state, configResult } = documents;
  const configuration = part(state?.['configuration']);
  const figures: (Line | null)[] = [
    named(configuration, 'source', (value) => text(value)),
    named(configuration, 'sequence', (value) => (count(value) === null ? null : String(count(value)))),
    named(configuration, 'signedBy', (value) => text(value), 'signed by'),
    flag(configuration['onTrial']) === true ? figureOf('is', 'on trial', 'yellow') : null,
    named(state, 'configHash', (value) => text(value, 20), 'hash'),
    configResult === undefined
      ? null
      : figureOf(
          'last brought',
          [text(configResult['result']), text(configResult['code']), text(configResult['message'], 160)]
            .filter((word) => word !== null)
            .join(' '),
        ),
  ];
  return figuresSection('configuration', figures, columns);
}

export function telemetrySection({ documents }: StationDetail, columns: number): Line[] {
  const telemetry = part(documents.state?.['telemetry']);
  const figures: (Line | null)[] = [
    named(telemetry, 'sent', (value) => grouped(count(value))),
    named(telemetry, 'dropped', (value) => (count(value) === 0 ? null : grouped(count(value)))),
    named(
      telemetry,
      'notesDropped',
      (value) => ((count(value) ?? 0) === 0 ? null : grouped(count(value))),
      'lines dropped',
    ),
    named(telemetry, 'queued', (value) => grouped(count(value))),
    named(telemetry, 'sessions', (value) => grouped(count(value))),
    named(telemetry, 'bytesSent', (value) => bytes(count(value)), 'out'),
    named(telemetry, 'bytesReceived', (value) => bytes(count(value)), 'in'),
    ...budgetFigures(part(telemetry['budget'])),
  ];
  return Object.keys(telemetry).length === 0 ? [] : figuresSection('telemetry', figures, columns);
}

/** What telemetry cost in the last day, of what it may, and what waits for that. */
function budgetFigures(budget: Fields): (Line | null)[] {
  const spent = count(budget['bytesLastDay']);
  if (spent === null) return [];
  const most = count(budget['bytesPerDay']);
  const heldBack = texts(budget['heldBack'], 4);
  const combined = count(budget['combined']) ?? 0;
  return [
    figureOf('last day', `${bytes(spent)}${most === null ? '' : ` of ${bytes(most)}`}`),
    combined === 0 ? null : figureOf('put together', `${grouped(combined)} readings`),
    heldBack.length === 0 ? null : figureOf('waits for the budget:', heldBack.join(', '), 'yellow'),
    flag(budget['tooSmall']) === true ? figureOf('budget', 'too small', 'red') : null,
  ];
}

export function machineSection({ documents }: StationDetail, columns: number): Line[] {
  const { state } = documents;
  const machine = part(state?.['machine']);
  const cpu = count(state?.['cpuMsPerSecond']);
  const loop = part(state?.['loopDelayMs']);
  const memory = part(machine['memory']);
  const left = count(memory['availableBytes']);
  const figures: (Line | null)[] = [
    named(state, 'rssBytes', (value) => bytes(count(value)), 'rss'),
    cpu === null ? null : figureOf('cpu', `${(cpu / 10).toFixed(1)} %`),
    named(
      loop,
      'max',
      (value) => (count(value) === null ? null : `${count(value)} ms`),
      'timers late at most',
    ),
    named(state, 'openFiles', (value) => (count(value) === null ? null : String(count(value))), 'files'),
    named(machine, 'load', (value) => text(value, 12)),
    left === null ? null : figureOf('memory left', `${bytes(left)} of ${bytes(count(memory['totalBytes']))}`),
  ];
  return state === undefined ? [] : figuresSection('machine', figures, columns);
}
