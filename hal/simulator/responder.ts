import { deliver, type Delivery, type LineTraits } from './fault.ts';
import type { FaultBoard } from './fault-board.ts';
import { RequestReader, type Request } from './modbus-frame.ts';
import { answerPdu, exceptionPdu, GATEWAY_TARGET_SILENT } from './modbus-unit.ts';
import type { Random } from './random.ts';
import type { SimulatedMeter } from './simulated-meter.ts';
import type { Outlet, Wire } from './wire.ts';

export interface ResponderOptions {
  readonly line: string;
  readonly traits: LineTraits;
  readonly units: ReadonlyMap<number, SimulatedMeter>;
  readonly faults: FaultBoard;
  readonly random: Random;
  readonly wire: Wire;
  /** A pause after which an unfinished frame on a serial line is given up. */
  readonly forgetAfterMs: number;
  readonly now: () => number;
}

/** Figures of one line since it was opened. */
export interface LineCounts {
  requests: number;
  answers: number;
  faults: number;
}

/** Answers what arrives on one connection, or on the one pair of wires of a serial line. */
export class Responder {
  readonly #options: ResponderOptions;
  readonly #outlet: Outlet;
  readonly #counts: LineCounts;
  readonly #reader: RequestReader;
  #held: Buffer[] = [];
  #lastBytesAt = 0;

  constructor(options: ResponderOptions, outlet: Outlet, counts: LineCounts) {
    this.#options = options;
    this.#outlet = outlet;
    this.#counts = counts;
    this.#reader = new RequestReader(options.traits.framing);
  }

  onBytes(bytes: Buffer): void {
    const now = this.#options.now();
    if (this.#options.traits.framing === 'rtu' && now - this.#lastBytesAt > this.#options.forgetAfterMs)
      this.#reader.forget();
    this.#lastBytesAt = now;
    const requests = this.#reader.read(bytes);
    if (requests === 'lost') {
      this.#outlet.close();
      return;
    }
    for (const request of requests) this.#serve(request);
  }

  #serve(request: Request): void {
    const { line, traits, units, faults, random, wire } = this.#options;
    this.#counts.requests++;
    // Unit and CRC: what an RTU request has around its PDU.
    const readyMs = wire.receive(request.pdu.length + 3);
    const meter = units.get(request.unitId);
    // On a serial line nobody answers for a unit that is not there; a gateway does.
    if (meter === undefined && traits.framing === 'rtu') return;
    const pdu =
      meter === undefined
        ? exceptionPdu(request.pdu[0] ?? 0, GATEWAY_TARGET_SILENT)
        : answerPdu(meter, request.pdu);
    const fault = faults.take(line, request.unitId);
    if (fault !== undefined) this.#counts.faults++;
    for (const delivery of deliver(traits.framing, { ...request, pdu }, fault, random))
      this.#send(delivery, readyMs);
  }

  #send(delivery: Delivery, readyMs: number): void {
    const { wire } = this.#options;
    if (delivery.kind === 'hold') {
      this.#held.push(delivery.bytes);
      return;
    }
    if (delivery.kind === 'close') {
      wire.closeConnection(this.#outlet, readyMs + delivery.afterMs);
      return;
    }
    this.#counts.answers++;
    wire.send(this.#outlet, delivery.bytes, readyMs + delivery.afterMs);
    const held = this.#held;
    this.#held = [];
    for (const bytes of held) wire.send(this.#outlet, bytes, readyMs + delivery.afterMs);
  }
}
