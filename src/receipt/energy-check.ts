import { ENERGY_IMPORT } from '../../hal/contract/index.ts';
import type { JournalEntry } from '../journal/index.ts';
import { isSessionEntry } from './believed-entries.ts';
import { fail, notChecked, pass, type Finding } from './check.ts';
import { energyBetween, firstFall, importOf } from './import-register.ts';
import { energyOf, sessionEnds } from './session.ts';

/** The energy is what the meter's import register rose by between two signed readings. */
export function checkEnergy(entries: readonly JournalEntry[]): Finding {
  if (entries.some(isSessionEntry)) return checkSessionEnergy(entries);
  const energy = energyBetween(entries);
  const fall = firstFall(entries);
  if (fall !== undefined) {
    return notChecked(`the register of meter ${fall.meterSerial} falls at entry ${fall.index}`);
  }
  if (energy.length === 0) return notChecked('no meter has two good readings of its import register here');
  return pass(
    energy
      .map(
        ({ meterSerial, fromIndex, toIndex, wh }) =>
          `${wh} Wh by meter ${meterSerial} from entry ${fromIndex} to entry ${toIndex}`,
      )
      .join('; '),
  );
}

function checkSessionEnergy(entries: readonly JournalEntry[]): Finding {
  const ends = sessionEnds(entries);
  if (ends === undefined) return notChecked('the receipt does not hold one begin and one end');
  for (const end of [ends.begin, ends.end]) {
    if (importOf(end.body.reading) === undefined) {
      const [said, another] = end.body.reading.values.filter(({ obis }) => obis === ENERGY_IMPORT);
      const why =
        said === undefined
          ? 'has no import register'
          : another === undefined
            ? `has an import register of quality ${said.quality} in ${said.unit}`
            : 'has its import register twice';
      return notChecked(`the reading of entry ${end.index} (${end.kind}) ${why}`);
    }
  }
  const wh = energyOf(ends) ?? '';
  if (wh.startsWith('-'))
    return fail(`the register stands ${wh.slice(1)} Wh lower at the end than at the begin`);
  return pass(
    `${wh} Wh from the reading at the begin to the reading at the end, by the meter's own register`,
  );
}
