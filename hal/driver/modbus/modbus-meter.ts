import {
  clockSpanOf,
  MeterError,
  spanOf,
  type ClockField,
  type EnergyMeter,
  type Line,
  type MeterIdentity,
  type MeterProfile,
  type MeterSample,
  type ObisCode,
  type ProbeRule,
  type ProfilePoint,
  type QualityRule,
  type ReadPriority,
  type RegisterField,
  type RegisterSpan,
  type ValueRule,
} from '../../contract/index.ts';
import { decodeClock } from './clock-codec.ts';
import { saysNoSuchRegister } from './exception.ts';
import { framingOf, type FramingName } from './framing.ts';
import { pointsOf, pollsDue } from './poll-class.ts';
import { fewestReads, leastWireTime, type ReadCost, type Wire } from './read-cost.ts';
import { decodeText } from './register-codec.ts';
import { RegisterReader } from './register-reader.ts';
import { RegisterWriter } from './register-writer.ts';
import { atomicUnits, planReads, type PlannedRead } from './request-planner.ts';
import { decodeSample, type FieldContents } from './sample-values.ts';
import { haveSigned } from './signed-record.ts';
import { valueRulesOf } from './value-rules.ts';

export interface ModbusMeterOptions {
  readonly id: string;
  readonly line: Line;
  readonly unitId: number;
  readonly profile: MeterProfile;
  /** Given by the line's kind unless told. */
  readonly framing?: FramingName;
  /**
   * What to do with a meter that has no serial number register: `refuse` (a station must know whose energy it counts) or
   * `accept`, which leaves the serial number empty (for looking at a meter from the command line).
   */
  readonly withoutSerial?: 'refuse' | 'accept';
  /** Given, reads are planned for the least time on this wire; otherwise for the fewest requests. */
  readonly wire?: Wire;
  /** Registers that every sample reads along, and what they hold as long as all others are where the profile says. */
  readonly landmarks?: readonly ProbeRule[];
}

/** What a sample reads: points, registers that say what the points are worth, and landmarks. */
type SampleField = ProfilePoint | QualityRule | ProbeRule;

interface Pass {
  readonly contents: FieldContents;
  readonly readBeginMonoMs: number;
  readonly readEndMonoMs: number;
}

/** A meter read by its profile: one pass over planned reads gives one sample. */
export class ModbusMeter implements EnergyMeter {
  readonly id: string;
  readonly profileId: string;
  readonly rules: ReadonlyMap<ObisCode, ValueRule>;
  /** Of models that sign by themselves. */
  declare readonly readSignedRecord?: NonNullable<EnergyMeter['readSignedRecord']>;
  readonly #profile: MeterProfile;
  readonly #reader: RegisterReader;
  readonly #withoutSerial: 'refuse' | 'accept';
  readonly #cost: ReadCost;
  readonly #landmarks: readonly ProbeRule[];
  /**
   * Reads of a sample, by the number of its fields (of two samples of different poll classes, one has all that the other
   * has); refined when the meter turns out to lack registers.
   */
  readonly #plans = new Map<number, readonly PlannedRead<SampleField>[]>();
  /** Fields that this meter does not have. */
  readonly #lacking = new Set<SampleField>();
  /** Samples since the meter was identified. */
  #samples = 0;
  /** Known until a read fails: somebody may then have put another meter in its place. */
  #serial: string | undefined;

  constructor({ id, line, unitId, profile, framing, withoutSerial, wire, landmarks }: ModbusMeterOptions) {
    this.id = id;
    this.profileId = profile.id;
    this.rules = valueRulesOf(profile);
    this.#profile = profile;
    const framingName = framing ?? framingOf(line.kind);
    this.#reader = new RegisterReader(line, unitId, profile.link, framingName);
    const { signedRecords } = profile;
    if (signedRecords !== undefined) {
      const writer = new RegisterWriter(line, unitId, profile.link, framingName);
      this.readSignedRecord = (moment) =>
        haveSigned({ records: signedRecords, moment, link: profile.link, reader: this.#reader, writer });
    }
    this.#withoutSerial = withoutSerial ?? 'refuse';
    const turnaroundMs = profile.link.turnaroundMs ?? 0;
    this.#landmarks = landmarks ?? [];
    this.#cost = wire === undefined ? fewestReads : leastWireTime(wire, { turnaroundMs });
  }

  async identify(): Promise<MeterIdentity> {
    return this.#forgetMeterOnError(async () => {
      await this.#probe('billing');
      const serial = await this.#readSerial('billing');
      const fields = this.#profile.identity;
      const firmware = fields.firmware && (await this.#readText(fields.firmware, 'billing'));
      const clock = fields.clock && (await this.#readClock(fields.clock, 'billing'));
      return {
        serial,
        ...(firmware === undefined ? {} : { firmware }),
        ...(clock === undefined ? {} : { clock }),
      };
    });
  }

  async readSample(priority: ReadPriority = 'periodic'): Promise<MeterSample> {
    return this.#forgetMeterOnError(async () => {
      const meterSerial = this.#serial ?? (await this.#readSerial(priority));
      const polls = pollsDue(this.#samples, this.#profile.link.slowEvery);
      const points = pointsOf(this.#profile, polls);
      const rules = [...(this.#profile.quality ?? []), ...this.#landmarks];
      const pass = await this.#readFields([...points, ...rules], priority);
      this.#checkLandmarks(pass.contents);
      if (!points.some((point) => pass.contents.has(point))) {
        throw this.#incompatible('the meter has none of the registers of its profile');
      }
      this.#samples++;
      const { readBeginMonoMs, readEndMonoMs } = pass;
      const { values, missing } = decodeSample(points, this.#profile, pass.contents);
      return { meterSerial, profileId: this.profileId, readBeginMonoMs, readEndMonoMs, values, missing };
    });
  }

  async #readFields(fields: readonly SampleField[], priority: ReadPriority): Promise<Pass> {
    const contents = new Map<RegisterField, Uint8Array>();
    const plan: PlannedRead<SampleField>[] = [];
    let readBeginMonoMs = Infinity;
    let readEndMonoMs = 0;
    const todo = [...(this.#plans.get(fields.length) ?? this.#planReads(fields))];
    for (let read = todo.shift(); read !== undefined; read = todo.shift()) {
      const result = await this.#readOrRefuse(read, priority);
      if (result === 'no such register') {
        const smaller = this.#smaller(read);
        if (smaller.length === 0) read.fields.forEach((field) => this.#lacking.add(field));
        todo.unshift(...smaller);
        continue;
      }
      plan.push(read);
      readBeginMonoMs = Math.min(readBeginMonoMs, result.sentMonoMs);
      readEndMonoMs = result.receivedMonoMs;
      for (const field of read.fields) contents.set(field, slice(result.registers, read, field));
    }
    this.#plans.set(fields.length, plan);
    return { contents, readBeginMonoMs, readEndMonoMs };
  }

  #planReads(fields: readonly SampleField[]): PlannedRead<SampleField>[] {
    const { link, points, quality = [] } = this.#profile;
    const known = (field: SampleField): boolean => !this.#lacking.has(field);
    const alsoReadable = [...points, ...quality].filter(known);
    return planReads(fields.filter(known), { ...link, alsoReadable }, this.#cost);
  }

  async #readOrRefuse(read: RegisterSpan, priority: ReadPriority) {
    try {
      return await this.#reader.read(read, priority);
    } catch (error) {
      if (error instanceof MeterError && saysNoSuchRegister(Number(error.details['exception']))) {
        return 'no such register' as const;
      }
      throw error;
    }
  }

  /**
   * The same fields in smaller reads: first without reading unlisted registers along, then each alone, atomic groups
   * together. Some firmware lacks registers, or refuses a read that touches one it does not know.
   */
  #smaller(read: PlannedRead<SampleField>): PlannedRead<SampleField>[] {
    const units = atomicUnits(read.fields);
    if (units.length === 1) return [];
    const { link } = this.#profile;
    const withoutHoles = planReads(read.fields, { ...link, maxRegisterHole: 0 }, this.#cost);
    if (withoutHoles.length > 1) return withoutHoles;
    return units.flatMap((unit) => planReads(unit, link, this.#cost));
  }

  /** Compares what the meter says of its model with what the profile expects; registers that it lacks say nothing. */
  async #probe(priority: ReadPriority): Promise<void> {
    for (const rule of this.#profile.probe ?? []) {
      const found = await this.#readText(rule, priority);
      if (found !== undefined && !rule.oneOf.includes(found)) {
        throw this.#incompatible(`register ${rule.documentRef} says "${found}"`, {
          found,
          oneOf: rule.oneOf,
        });
      }
    }
  }

  /** A value from registers that have come to mean something else would look as good as any. */
  #checkLandmarks(contents: FieldContents): void {
    for (const rule of this.#landmarks) {
      const content = contents.get(rule);
      const found = content === undefined ? undefined : decodeText(rule, content);
      if (found === undefined || !rule.oneOf.includes(found)) {
        throw this.#incompatible(`${rule.documentRef} has moved`, {
          found: found ?? null,
          oneOf: rule.oneOf,
        });
      }
    }
  }

  async #readSerial(priority: ReadPriority): Promise<string> {
    const field = this.#profile.identity.serial;
    const serial = field && (await this.#readText(field, priority));
    if (serial === undefined && this.#withoutSerial === 'refuse') {
      throw this.#incompatible('the meter shows no serial number');
    }
    this.#serial = serial;
    return serial ?? '';
  }

  async #readText(field: RegisterField, priority: ReadPriority): Promise<string | undefined> {
    const result = await this.#readOrRefuse(spanOf(field), priority);
    return result === 'no such register' ? undefined : decodeText(field, result.registers);
  }

  async #readClock(field: ClockField, priority: ReadPriority): Promise<string | undefined> {
    const result = await this.#readOrRefuse(clockSpanOf(field), priority);
    return result === 'no such register' ? undefined : decodeClock(field, result.registers);
  }

  /** After a failure it may be another meter, with other registers. */
  async #forgetMeterOnError<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#serial = undefined;
      this.#plans.clear();
      this.#lacking.clear();
      this.#samples = 0;
      throw error;
    }
  }

  #incompatible(why: string, details: Readonly<Record<string, unknown>> = {}): MeterError {
    return new MeterError('meter.incompatible', `meter ${this.id} does not fit ${this.profileId}: ${why}`, {
      remedy: 'operator',
      details: { meter: this.id, profile: this.profileId, ...details },
      hint: 'Check the model on the meter and the profile in the configuration.',
    });
  }
}

function slice(registers: Uint8Array, read: RegisterSpan, field: RegisterField): Uint8Array {
  const { registerAddress, registerCount } = spanOf(field);
  const from = 2 * (registerAddress - read.registerAddress);
  return registers.subarray(from, from + 2 * registerCount);
}
