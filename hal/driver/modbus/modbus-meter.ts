import {
  MeterError,
  registerCountOf,
  type EnergyMeter,
  type Line,
  type MeasuredValue,
  type MeterIdentity,
  type MeterProfile,
  type MeterSample,
  type MissingValue,
  type ProfilePoint,
  type ReadPriority,
  type RegisterField,
} from '../../contract/index.ts';
import { saysNoSuchRegister } from './exception.ts';
import { framingOf, type FramingName } from './framing.ts';
import { decodePoint, decodeText } from './register-codec.ts';
import { RegisterReader } from './register-reader.ts';
import { planReads, type PlannedRead } from './request-planner.ts';

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
}

/** Bytes of each field that was read; a field that the meter does not have is not in it. */
interface Pass {
  readonly contents: ReadonlyMap<RegisterField, Uint8Array>;
  readonly readBeginMonoMs: number;
  readonly readEndMonoMs: number;
}

/** A meter read by its profile: one pass over planned reads gives one sample. */
export class ModbusMeter implements EnergyMeter {
  readonly id: string;
  readonly profileId: string;
  readonly #profile: MeterProfile;
  readonly #reader: RegisterReader;
  readonly #withoutSerial: 'refuse' | 'accept';
  /** Reads of a sample; refined when the meter turns out to lack registers. */
  #plan: readonly PlannedRead<ProfilePoint>[];
  /** Known until a read fails: somebody may then have put another meter in its place. */
  #serial: string | undefined;

  constructor({ id, line, unitId, profile, framing, withoutSerial }: ModbusMeterOptions) {
    this.id = id;
    this.profileId = profile.id;
    this.#profile = profile;
    this.#reader = new RegisterReader(line, unitId, profile.link, framing ?? framingOf(line.kind));
    this.#withoutSerial = withoutSerial ?? 'refuse';
    this.#plan = planReads(profile.points, profile.link);
  }

  async identify(): Promise<MeterIdentity> {
    return this.#forgetMeterOnError(async () => {
      await this.#probe('billing');
      const serial = await this.#readSerial('billing');
      const field = this.#profile.identity.firmware;
      const firmware = field === undefined ? undefined : await this.#readText(field, 'billing');
      return { serial, ...(firmware === undefined ? {} : { firmware }) };
    });
  }

  async readSample(priority: ReadPriority = 'periodic'): Promise<MeterSample> {
    return this.#forgetMeterOnError(async () => {
      const meterSerial = this.#serial ?? (await this.#readSerial(priority));
      const pass = await this.#readPoints(priority);
      if (pass.contents.size === 0) {
        throw this.#incompatible('the meter has none of the registers of its profile');
      }
      const { readBeginMonoMs, readEndMonoMs } = pass;
      const { values, missing } = this.#decode(pass);
      return { meterSerial, profileId: this.profileId, readBeginMonoMs, readEndMonoMs, values, missing };
    });
  }

  async #readPoints(priority: ReadPriority): Promise<Pass> {
    const contents = new Map<RegisterField, Uint8Array>();
    const plan: PlannedRead<ProfilePoint>[] = [];
    let readBeginMonoMs = Infinity;
    let readEndMonoMs = 0;
    const todo = [...this.#plan];
    for (let read = todo.shift(); read !== undefined; read = todo.shift()) {
      const result = await this.#readOrRefuse(read, priority);
      if (result === 'no such register') {
        todo.unshift(...this.#smaller(read));
        continue;
      }
      plan.push(read);
      readBeginMonoMs = Math.min(readBeginMonoMs, result.sentMonoMs);
      readEndMonoMs = result.receivedMonoMs;
      for (const field of read.fields) contents.set(field, slice(result.registers, read, field));
    }
    this.#plan = plan;
    return { contents, readBeginMonoMs, readEndMonoMs };
  }

  async #readOrRefuse(read: PlannedRead<RegisterField>, priority: ReadPriority) {
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
   * The same points in smaller reads: first without reading unlisted registers along, then each point alone. Some firmware
   * lacks registers, or refuses a read that touches one it does not know.
   */
  #smaller(read: PlannedRead<ProfilePoint>): PlannedRead<ProfilePoint>[] {
    if (read.fields.length === 1) return [];
    const withoutHoles = planReads(read.fields, { ...this.#profile.link, maxRegisterHole: 0 });
    if (withoutHoles.length > 1) return withoutHoles;
    return read.fields.flatMap((field) => planReads([field], this.#profile.link));
  }

  #decode({ contents }: Pass): { values: MeasuredValue[]; missing: MissingValue[] } {
    const values: MeasuredValue[] = [];
    const missing: MissingValue[] = [];
    for (const point of this.#profile.points) {
      const { obis, unit } = point;
      const content = contents.get(point);
      const reading = content === undefined ? undefined : decodePoint(point, content);
      if (reading?.kind === 'number') values.push({ obis, value: reading.value, unit, quality: 'G' });
      else if (reading === undefined) missing.push({ obis, unit, quality: 'R' });
      else missing.push({ obis, unit, quality: reading.kind === 'absent' ? 'N' : 'O' });
    }
    return { values, missing };
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

  async #readSerial(priority: ReadPriority): Promise<string> {
    const serial = await this.#readText(this.#profile.identity.serial, priority);
    if (serial === undefined && this.#withoutSerial === 'refuse') {
      throw this.#incompatible('the meter shows no serial number');
    }
    this.#serial = serial;
    return serial ?? '';
  }

  async #readText(field: RegisterField, priority: ReadPriority): Promise<string | undefined> {
    const registerCount = registerCountOf(field);
    const { table, registerAddress } = field;
    const read = { table, registerAddress, registerCount, fields: [field] };
    const result = await this.#readOrRefuse(read, priority);
    return result === 'no such register' ? undefined : decodeText(field, result.registers);
  }

  /** After a failure it may be another meter, with other registers. */
  async #forgetMeterOnError<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#serial = undefined;
      this.#plan = planReads(this.#profile.points, this.#profile.link);
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

function slice(registers: Uint8Array, read: PlannedRead<RegisterField>, field: RegisterField): Uint8Array {
  const from = 2 * (field.registerAddress - read.registerAddress);
  return registers.subarray(from, from + 2 * registerCountOf(field));
}
