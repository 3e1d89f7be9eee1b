import { MeterError, silentLog, type LineKind, type ProfileLink } from '../../../hal/contract/index.ts';
import { framingOf } from '../../../hal/driver/modbus/framing.ts';
import { RegisterReader } from '../../../hal/driver/modbus/register-reader.ts';
import { LineActor } from '../../../hal/line/line-actor.ts';
import { NETWORK_PACE, serialPace } from '../../../hal/line/pacing.ts';
import { PEER_LIMITS } from '../../../hal/line/peer.ts';
import { deliver, type Delivery, type Fault } from '../../../hal/simulator/fault.ts';
import { RequestReader, type Request } from '../../../hal/simulator/modbus-frame.ts';
import { createRandom } from '../../../hal/simulator/random.ts';
import type { ByteChannel, ChannelEvents } from '../../../hal/line/channel.ts';
import { VirtualClock } from '../virtual-clock.ts';

// Two units on one line in virtual time: the product's line and framing on one side, the simulator's faults on the other.
// RTU bytes take the time of 9600 baud (behind a transparent gateway there is a serial bus, too) and arrive in pieces, as from
// a UART. A register shows its unit, its address and the half second in which it was read, so that any value can be judged.

const BAUD_RATE = 9_600;
const CHARACTER_MS = { serial: 11_000 / BAUD_RATE, rtuOverTcp: 11_000 / BAUD_RATE, tcp: 0 };
const THINKS_MS = { serial: 5, rtuOverTcp: 5, tcp: 30 };
const PIECE_BYTES = 4;
const RENEWED_EVERY_MS = 500;
export const FAULTY_UNIT = 1;
export const HEALTHY_UNIT = 2;

const LINK: ProfileLink = {
  baudRate: BAUD_RATE,
  parity: 'even',
  dataBits: 8,
  stopBits: 1,
  unitId: 1,
  responseTimeoutMs: 500,
  maxRegistersPerRead: 125,
  maxRegisterHole: 0,
};
/** A sample: two reads whose answers look the same, and one of another shape. */
const READS = [
  { table: 'input' as const, registerAddress: 100, registerCount: 12 },
  { table: 'input' as const, registerAddress: 300, registerCount: 12 },
  { table: 'input' as const, registerAddress: 500, registerCount: 4 },
];

const wordAt = (unitId: number, address: number, monoMs: number): number =>
  (unitId * 10_000 + address + 7 * Math.floor(monoMs / RENEWED_EVERY_MS)) & 0xffff;

export interface BusRun {
  readonly kind: LineKind;
  readonly fault?: Fault;
  readonly durationMs: number;
  /** From the begin of one sample to that of the next; 0: without a pause. */
  readonly everyMs: number;
}

export interface BusOutcome {
  readonly wrong: readonly unknown[];
  /** Whole samples of each unit. */
  readonly samples: Readonly<Record<number, number>>;
  readonly opened: number;
}

/** The device's side: one wire, requests served one after the other. */
class Bus {
  readonly #clock: VirtualClock;
  readonly #run: BusRun;
  readonly #random = createRandom(1, 'bus');
  #events: ChannelEvents | undefined;
  #reader: RequestReader;
  #held: Buffer[] = [];
  #freeAt = 0;

  constructor(clock: VirtualClock, run: BusRun) {
    this.#clock = clock;
    this.#run = run;
    this.#reader = new RequestReader(run.kind === 'tcp' ? 'mbap' : 'rtu');
  }

  readonly open = (events: ChannelEvents): Promise<ByteChannel> => {
    this.#events = events;
    this.#reader = new RequestReader(this.#run.kind === 'tcp' ? 'mbap' : 'rtu');
    return Promise.resolve({
      write: (bytes) => {
        const requests = this.#reader.read(bytes);
        if (requests !== 'lost') for (const request of requests) void this.#serve(request);
        return Promise.resolve();
      },
      discardInput: () => Promise.resolve(),
      close: () => Promise.resolve(this.#hangUp()),
    });
  };

  #hangUp(): void {
    const events = this.#events;
    this.#events = undefined;
    events?.onClosed(undefined);
  }

  async #serve(request: Request): Promise<void> {
    const now = this.#clock.nowMonoMs();
    const readyAt =
      Math.max(now, this.#freeAt) +
      (request.pdu.length + 3) * CHARACTER_MS[this.#run.kind] +
      THINKS_MS[this.#run.kind];
    this.#freeAt = readyAt;
    await this.#clock.sleep(readyAt - now);
    const fault = request.unitId === FAULTY_UNIT ? this.#run.fault : undefined;
    const framing = this.#run.kind === 'tcp' ? 'mbap' : 'rtu';
    for (const delivery of deliver(framing, this.#answer(request), fault, this.#random)) {
      if (delivery.kind === 'hold') this.#held.push(delivery.bytes);
      else void this.#deliver(delivery);
    }
  }

  #answer(request: Request): Request {
    const [address, count] = [request.pdu.readUInt16BE(1), request.pdu.readUInt16BE(3)];
    const pdu = Buffer.alloc(2 + 2 * count);
    pdu[0] = request.pdu[0] ?? 0;
    pdu[1] = 2 * count;
    for (let at = 0; at < count; at++)
      pdu.writeUInt16BE(wordAt(request.unitId, address + at, this.#clock.nowMonoMs()), 2 + 2 * at);
    return { ...request, pdu };
  }

  async #deliver(delivery: Exclude<Delivery, { kind: 'hold' }>): Promise<void> {
    await this.#clock.sleep(delivery.afterMs);
    if (delivery.kind === 'close') return this.#hangUp();
    const now = this.#clock.nowMonoMs();
    const beginAt = Math.max(now, this.#freeAt);
    const { bytes } = delivery;
    const characterMs = CHARACTER_MS[this.#run.kind];
    this.#freeAt = beginAt + bytes.length * characterMs;
    const pieceBytes = characterMs === 0 ? bytes.length : PIECE_BYTES;
    for (let from = 0; from < bytes.length; from += pieceBytes) {
      const piece = bytes.subarray(from, from + pieceBytes);
      await this.#clock.sleep(beginAt + (from + piece.length) * characterMs - this.#clock.nowMonoMs());
      this.#events?.onBytes(piece);
    }
    for (const held of this.#held.splice(0)) this.#events?.onBytes(held);
  }
}

/** Both units are read, each for itself, while the faulty one has its fault in every answer. */
export async function runBus(run: BusRun): Promise<BusOutcome> {
  const clock = new VirtualClock();
  const line = new LineActor({
    id: 'bus',
    kind: run.kind,
    pace: run.kind === 'serial' ? serialPace(BAUD_RATE, 8, 'even', 1) : NETWORK_PACE,
    open: new Bus(clock, run).open,
    limits: {
      queueCapacity: 256,
      lateWindowMs: 1_000,
      silenceMs: 60,
      peer: PEER_LIMITS,
      reopen: { firstPauseMs: 250, longestPauseMs: 10_000 },
    },
    clock,
    log: silentLog,
  });
  const wrong: unknown[] = [];
  const samples: Record<number, number> = { [FAULTY_UNIT]: 0, [HEALTHY_UNIT]: 0 };
  const endAt = clock.nowMonoMs() + run.durationMs;
  const unit = async (unitId: number): Promise<void> => {
    const reader = new RegisterReader(line, unitId, LINK, framingOf(run.kind));
    for (let dueAt = clock.nowMonoMs(); clock.nowMonoMs() < endAt;) {
      const isWhole = await sample(reader, unitId, wrong);
      if (isWhole && clock.nowMonoMs() <= endAt) samples[unitId] = (samples[unitId] ?? 0) + 1;
      dueAt = run.everyMs === 0 ? clock.nowMonoMs() + (isWhole ? 0 : 10) : dueAt + run.everyMs;
      // A sample that took longer than the interval makes the next one late; those in between are lost.
      while (run.everyMs > 0 && dueAt < clock.nowMonoMs()) dueAt += run.everyMs;
      if (dueAt > clock.nowMonoMs()) await clock.sleep(dueAt - clock.nowMonoMs());
    }
  };
  let done = false;
  const all = Promise.all([unit(FAULTY_UNIT), unit(HEALTHY_UNIT)]).finally(() => (done = true));
  while (!done) await clock.advance(5_000);
  await all;
  const { opened } = line.statistics();
  await line.close();
  return { wrong, samples, opened };
}

/** Reads all of a sample; says whether it got it. */
async function sample(reader: RegisterReader, unitId: number, wrong: unknown[]): Promise<boolean> {
  try {
    for (const read of READS) {
      const { registers, sentMonoMs, receivedMonoMs } = await reader.read(read, 'periodic');
      const first = Buffer.from(registers).readUInt16BE(0);
      const slots = [];
      for (let at = sentMonoMs; at < receivedMonoMs + RENEWED_EVERY_MS; at += RENEWED_EVERY_MS)
        slots.push(wordAt(unitId, read.registerAddress, Math.min(at, receivedMonoMs)));
      if (!slots.includes(first) || registers.length !== 2 * read.registerCount)
        wrong.push({ unitId, read, first, slots });
    }
    return true;
  } catch (error) {
    if (!(error instanceof MeterError)) throw error;
    return false;
  }
}
