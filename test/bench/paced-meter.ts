// A meter on a pseudo terminal at 9600 baud, in a process of its own: the line's clock must not wait for the reader's work.
import { once } from 'node:events';
import { startSimulatedStation, type LineAddress } from '../../hal/simulator/index.ts';

export interface PacedMeterTask {
  readonly model: string;
  readonly serial: string;
  readonly baudRate: number;
  readonly turnaroundMs: number;
}

/** First the address, then, on any message, what the line did since it was opened. */
export type PacedMeterNews =
  | { readonly kind: 'ready'; readonly address: LineAddress }
  | {
      readonly kind: 'times';
      readonly occupiedMs: number;
      readonly idleMs: number;
      readonly idleSpells: number;
      readonly requests: number;
    };

const [task] = (await once(process, 'message')) as [PacedMeterTask];
const { model, serial, baudRate, turnaroundMs } = task;
const station = await startSimulatedStation({
  seed: 1,
  lines: [{ id: 'bus', kind: 'pty', baudRate, turnaroundMs }],
  meters: [{ id: 'meter', model, serial, unitId: 1, on: 'bus', startWh: 1_000_000 }],
});
const [line] = station.lines;
if (line === undefined) throw new Error('the station has no line');
const tell = (news: PacedMeterNews): void => void process.send?.(news);
process.on('message', () => tell({ kind: 'times', ...line.times, requests: line.counts.requests }));
process.on('disconnect', () => void station.stop());
tell({ kind: 'ready', address: line });
