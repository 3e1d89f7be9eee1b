import type { ModelsFound } from '../../../hal/driver/modbus/index.ts';
import type { SerialSetting } from './scan-plan.ts';

export interface UnitFinding extends ModelsFound {
  readonly unit: number;
  readonly setting: SerialSetting | null;
}

export interface FoundUnit extends ModelsFound {
  readonly unit: number;
  /** Settings of the serial port at which it answered; none over TCP. */
  readonly at: readonly SerialSetting[];
  /** Further unit ids under which the same meter (by model and serial number) answers. */
  readonly alsoUnits: readonly number[];
}

export interface Noise {
  readonly unit: number;
  readonly setting: SerialSetting | null;
  readonly seen: string;
}

/** A line of noise says it all; thousands of them would say no more. */
const MAX_NOISE = 1_000;

/** What a scan has found. The same meter found twice is one: at another setting, or under another unit id. */
export class ScanFindings {
  readonly #units: FoundUnit[] = [];
  readonly #noise: Noise[] = [];

  get units(): readonly FoundUnit[] {
    return [...this.#units].sort((a, b) => a.unit - b.unit);
  }

  get noise(): readonly Noise[] {
    return this.#noise;
  }

  add({ unit, setting, matches, couldBe }: UnitFinding): void {
    const name = nameOf({ matches, couldBe });
    const index = this.#units.findIndex((found) =>
      name === undefined ? found.unit === unit && nameOf(found) === undefined : nameOf(found) === name,
    );
    const known = this.#units[index];
    if (known === undefined) {
      this.#units.push({ unit, at: setting === null ? [] : [setting], alsoUnits: [], matches, couldBe });
      return;
    }
    const isNewSetting =
      setting !== null &&
      !known.at.some(({ baudRate, parity }) => baudRate === setting.baudRate && parity === setting.parity);
    const isNewUnit = unit !== known.unit && !known.alsoUnits.includes(unit);
    this.#units[index] = {
      ...known,
      at: isNewSetting ? [...known.at, setting] : known.at,
      alsoUnits: isNewUnit ? [...known.alsoUnits, unit] : known.alsoUnits,
    };
  }

  addNoise(noise: Noise): void {
    if (this.#noise.length < MAX_NOISE) this.#noise.push(noise);
  }
}

/** What tells a meter from all others: model and serial number. Undefined where the meter shows none. */
function nameOf({ matches, couldBe }: ModelsFound): string | undefined {
  const known = [...matches, ...couldBe].filter(({ serial }) => serial !== undefined);
  if (known.length === 0) return undefined;
  return known.map(({ profile, serial }) => `${profile.id}/${serial}`).join(' ');
}
