import { SimulatorError } from './errors.ts';
import { isApplicable, type Fault, type LineTraits } from './fault.ts';

export interface FaultTarget {
  readonly line: string;
  /** One unit of the line; all of them unless told. */
  readonly unitId?: number;
}

interface Switch {
  readonly target: FaultTarget;
  readonly fault: Fault;
  remaining: number;
}

/** The switches: which line and unit answers wrongly now, how, and how often. */
export class FaultBoard {
  readonly #lines: ReadonlyMap<string, LineTraits>;
  #switches: Switch[] = [];

  constructor(lines: ReadonlyMap<string, LineTraits>) {
    this.#lines = lines;
  }

  /**
   * From now on answers of the target are faulty, `times` times or until the returned function is called. The switch that
   * was turned on last wins.
   * @throws SimulatorError `simulator.fault_inapplicable` when the line cannot have that fault, `simulator.bad_option` for
   * an unknown line.
   */
  inject(target: FaultTarget, fault: Fault, options: { readonly times?: number } = {}): () => void {
    const line = this.#lines.get(target.line);
    if (line === undefined) throw new SimulatorError('simulator.bad_option', `no line ${target.line}`);
    if (!isApplicable(fault.kind, line)) {
      throw new SimulatorError(
        'simulator.fault_inapplicable',
        `line ${target.line} (${line.framing}${line.socket ? ', socket' : ''}) cannot have the fault ${fault.kind}`,
      );
    }
    const added: Switch = { target, fault, remaining: options.times ?? Infinity };
    this.#switches.push(added);
    return () => {
      this.#switches = this.#switches.filter((each) => each !== added);
    };
  }

  clear(): void {
    this.#switches = [];
  }

  /** The fault of the next answer of that unit; a counted one is used up by it. */
  take(line: string, unitId: number): Fault | undefined {
    const found = this.#switches.findLast(
      ({ target }) => target.line === line && (target.unitId === undefined || target.unitId === unitId),
    );
    if (found === undefined) return undefined;
    found.remaining--;
    if (found.remaining <= 0) this.#switches = this.#switches.filter((each) => each !== found);
    return found.fault;
  }
}
