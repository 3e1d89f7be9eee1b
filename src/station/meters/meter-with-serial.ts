import { MeterError, type EnergyMeter } from '../../../hal/contract/index.ts';

/**
 * The meter, whose serial number is known beforehand: one that tells another is refused (`meter.incompatible`), one that tells
 * none (empty) has this one. Nothing else changes.
 */
export function meterWithSerial(meter: EnergyMeter, serial: string): EnergyMeter {
  const agreed = (told: string): string => {
    if (told === '' || told === serial) return serial;
    throw new MeterError('meter.incompatible', `meter ${meter.id} is ${told}, not ${serial}`, {
      remedy: 'operator',
      details: { meter: meter.id, told, expected: serial },
      hint: 'If the meter was replaced, write its serial number into the configuration.',
    });
  };
  const signs = meter.readSignedRecord?.bind(meter);
  return {
    id: meter.id,
    profileId: meter.profileId,
    get rules() {
      return meter.rules ?? new Map();
    },
    async identify() {
      const identity = await meter.identify();
      return { ...identity, serial: agreed(identity.serial) };
    },
    async readSample(priority) {
      const sample = await meter.readSample(priority);
      return { ...sample, meterSerial: agreed(sample.meterSerial) };
    },
    ...(signs && { readSignedRecord: signs }),
  };
}
