import {
  MeterError,
  type EnergyMeter,
  type MeterIdentity,
  type MeterSample,
  type ObisCode,
  type ReadPriority,
  type RegisterSpan,
  type ValueRule,
} from '../../contract/index.ts';
import { saysNoSuchRegister } from './exception.ts';
import { framingOf } from './framing.ts';
import { ModbusMeter, type ModbusMeterOptions } from './modbus-meter.ts';
import { RegisterReader } from './register-reader.ts';
import { sunSpecLandmark, sunSpecProfile } from './sunspec-profile.ts';
import { walkSunSpec } from './sunspec-walk.ts';

/** What is known of the device once its map was walked. */
interface Found {
  readonly meter: ModbusMeter;
  readonly maker: string;
  readonly model: string;
}

/**
 * A meter whose registers are found by SunSpec's chain of models; from then on it is read like any other. What was found
 * holds until a read fails, or until the header of the meter's model is no longer where it was (every sample looks): the
 * device may then be another one, or have started again with other models.
 */
export class SunSpecMeter implements EnergyMeter {
  readonly id: string;
  readonly profileId: string;
  readonly #options: ModbusMeterOptions;
  #found: Found | undefined;
  /** Reads that overlap walk the map once. */
  #walk: Promise<Found> | undefined;

  constructor(options: ModbusMeterOptions) {
    this.id = options.id;
    this.profileId = options.profile.id;
    this.#options = options;
  }

  /** Empty until the map was walked. */
  get rules(): ReadonlyMap<ObisCode, ValueRule> {
    return this.#found?.meter.rules ?? new Map();
  }

  async identify(): Promise<MeterIdentity> {
    this.#found = undefined;
    return this.#withMeter('billing', async ({ meter, maker, model }) => ({
      ...(await meter.identify()),
      maker,
      model,
    }));
  }

  async readSample(priority: ReadPriority = 'periodic'): Promise<MeterSample> {
    return this.#withMeter(priority, ({ meter }) => meter.readSample(priority));
  }

  async #withMeter<T>(priority: ReadPriority, work: (found: Found) => Promise<T>): Promise<T> {
    try {
      this.#found ??= await (this.#walk ??= this.#find(priority));
      return await work(this.#found);
    } catch (error) {
      this.#found = undefined;
      throw error;
    } finally {
      this.#walk = undefined;
    }
  }

  async #find(priority: ReadPriority): Promise<Found> {
    const { line, unitId, profile, framing } = this.#options;
    const reader = new RegisterReader(line, unitId, profile.link, framing ?? framingOf(line.kind));
    const seen = new Map<number, Uint8Array | undefined>();
    for (;;) {
      const step = walkSunSpec(seen);
      switch (step.kind) {
        case 'read':
          seen.set(step.span.registerAddress, await readIfThere(reader, step.span, priority));
          break;
        case 'none':
          throw this.#incompatible(step.why);
        case 'found': {
          const own = sunSpecProfile(step.layout, profile);
          const { maker, model } = own;
          const landmarks = [sunSpecLandmark(step.layout)];
          return { meter: new ModbusMeter({ ...this.#options, profile: own, landmarks }), maker, model };
        }
      }
    }
  }

  #incompatible(why: string): MeterError {
    return new MeterError('meter.incompatible', `meter ${this.id} shows no SunSpec meter: ${why}`, {
      remedy: 'operator',
      details: { meter: this.id, profile: this.profileId, why },
      hint: 'Check that SunSpec is switched on in the device, and the unit id.',
    });
  }
}

async function readIfThere(
  reader: RegisterReader,
  span: RegisterSpan,
  priority: ReadPriority,
): Promise<Uint8Array | undefined> {
  try {
    return (await reader.read(span, priority)).registers;
  } catch (error) {
    if (error instanceof MeterError && saysNoSuchRegister(Number(error.details['exception'])))
      return undefined;
    throw error;
  }
}
