import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import type { Bench, BenchOptions, Measure, Row, Scale, Table } from './bench.ts';
import type { AskResult, AuditResult, GrowResult, StartResult, StepTask } from './biglog-step.ts';
import { bundleProgram } from './bundle-program.ts';
import { runInChild } from './child.ts';
import { diskDirectory, type DiskDirectory } from './disk.ts';

const SIZES = { full: [1e4, 1e5, 1e6, 1e7], tiny: [300, 1_000] };
/** 10^7 take minutes and gigabytes: only when asked for. */
const DEFAULT_MAX = 1e6;
/** Beyond that many the whole audit takes longer than a minute: a tenth of a millisecond is one signature. */
const MAX_AUDITED = 1e5;
/** Ten meters at 1 Hz make groups of a hundred in the default interval of 10 s. */
const EFFORT = {
  full: { groupEntries: 100, rounds: 5, perRound: 1_000, starts: 7 },
  tiny: { groupEntries: 20, rounds: 1, perRound: 20, starts: 1 },
};

export const bigLogBench: Bench = {
  name: 'biglog',
  what: 'append, proof, verify and start by the size of one log that grows (--max N, 10^6 unless told)',
  async run(scale: Scale, { max = DEFAULT_MAX }: BenchOptions = {}) {
    const disk = diskDirectory();
    try {
      const directory = path.join(disk.path, 'log');
      const program = await bundleProgram('./biglog-step.ts', disk.path);
      const found: Found[] = [];
      for (const size of SIZES[scale].filter((size) => size <= max)) {
        found.push(await atSize({ disk, program }, { ...EFFORT[scale], directory, seed: 1, size }));
      }
      if (found.length === 0) throw new RangeError(`--max is at least ${SIZES[scale][0]}`);
      return [costs(found, disk), starts(found)];
    } finally {
      disk.remove();
    }
  },
};

interface Found {
  readonly size: number;
  readonly grown: GrowResult;
  readonly asked: AskResult;
  readonly audited: AuditResult | undefined;
  readonly startMs: readonly number[];
  readonly emptyStartMs: readonly number[];
}

type Effort = Omit<StepTask, 'step'> & { readonly starts: number };

async function atSize(
  { disk, program }: { disk: DiskDirectory; program: string },
  { starts: count, ...task }: Effort,
): Promise<Found> {
  const { size } = task;
  const step = <Result>(what: StepTask): Promise<Result> => runInChild<StepTask, Result>(program, what);
  const grown = await step<GrowResult>({ ...task, step: 'grow' });
  const asked = await step<AskResult>({ ...task, step: 'ask' });
  const audited = size <= MAX_AUDITED ? await step<AuditResult>({ ...task, step: 'audit' }) : undefined;
  const [startMs, emptyStartMs]: [number[], number[]] = [[], []];
  for (let i = 0; i < count; i++) {
    startMs.push((await step<StartResult>({ ...task, step: 'start' })).milliseconds);
    const empty = mkdtempSync(path.join(disk.path, 'empty-'));
    emptyStartMs.push((await step<StartResult>({ ...task, step: 'start', directory: empty })).milliseconds);
    rmSync(empty, { recursive: true });
  }
  return { size, grown, asked, audited, startMs, emptyStartMs };
}

function nameOf(size: number): string {
  return `${size.toLocaleString('en')} entries`;
}

function costs(found: readonly Found[], disk: DiskDirectory): Table {
  const one = (unit: Measure['unit'], sample: number): Measure => ({ unit, samples: [sample] });
  const rows = found.map(({ size, grown, asked, audited }): Row => {
    const micros = (samples: readonly number[]): Measure => ({ unit: 'µs', samples });
    return {
      subject: nameOf(size),
      measures: {
        append: micros(grown.appendMicros),
        'inclusion proof': micros(asked.inclusionMicros),
        'first one': micros(asked.firstProofMicros),
        hashes: one('count', asked.hashes),
        'consistency proof': micros(asked.consistencyMicros),
        'verify an entry': micros(asked.verifyMicros),
        ...(audited === undefined ? {} : { 'in a whole audit': one('µs', audited.microsPerEntry) }),
        RSS: one('MB', grown.rssBytes / 1e6),
        anonymous: one('MB', grown.anonymousBytes / 1e6),
        'disk per entry': one('B', grown.diskBytes / size),
      },
    };
  });
  const seconds = found.reduce((sum, { grown }) => sum + grown.seconds, 0);
  return {
    title: `A log that grows (readings of two values, groups of ${EFFORT.full.groupEntries}, ${disk.fileSystem}, ${Math.round(seconds)} s of appending)`,
    baseline: nameOf(found[0]?.size ?? 0),
    rows,
    notes: [
      'append: the last entries of each size; proofs: of entries and sizes all over the log, "first one" with opening a reader',
      'verify: signature, encoding and inclusion of entries in a row; the audit reads everything and builds the tree anew',
      'RSS of the process that appended from the row above to this one, before it closes the log; with the small heap of the service',
    ],
  };
}

function starts(found: readonly Found[]): Table {
  const row = (subject: string, samples: readonly number[]): Row => ({
    subject,
    measures: { start: { unit: 'ms', samples } },
  });
  return {
    title: 'From openJournal to the boot entry on disk, each in a process of its own',
    baseline: EMPTY,
    rows: [
      row(EMPTY, found.at(-1)?.emptyStartMs ?? []),
      ...found.map(({ size, startMs }) => row(`a log of ${nameOf(size)}`, startMs)),
    ],
    notes: [
      `behind the last full tile of 256: ${found.map(({ size }) => size % 256).join(', ')} entries: at most these are verified when the log is opened`,
    ],
  };
}

const EMPTY = 'an empty directory';
