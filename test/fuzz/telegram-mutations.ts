import { encodeTelegram, type SmlElement, type SmlEntry } from '../support/meters/sml-encoder.ts';
import type { Random } from './random.ts';

/** A telegram whose checks are all right, and whose contents are whatever comes. */
export function randomSmlTelegram(random: Random): Uint8Array {
  return encodeTelegram({
    serverId: randomBytes(random, 12),
    sensorTime: randomElement(random, 2),
    entries: Array.from({ length: random.below(6) }, () => randomEntry(random)),
  });
}

function randomEntry(random: Random): SmlEntry {
  return {
    obis: random.oneIn(4)
      ? [...randomBytes(random, 8)]
      : [1, 0, random.below(100), random.pick([7, 8]), 0, 255],
    status: randomElement(random, 2),
    time: randomElement(random, 3),
    unit: random.oneIn(3) ? random.below(256) : random.pick([27, 30, 33, 35, 44]),
    scaler: random.oneIn(3) ? random.below(256) - 128 : random.below(7) - 4,
    value: randomElement(random, 2),
  };
}

function randomElement(random: Random, depth: number): SmlElement {
  switch (random.below(depth > 0 ? 6 : 5)) {
    case 0:
      return null;
    case 1:
      return random.oneIn(2);
    case 2:
      return randomBytes(random, 40);
    case 3:
      return { int: BigInt(random.uint32()) - 2n ** 31n, bytes: 4 + random.below(6) };
    case 4:
      return { uint: BigInt(random.uint32()), bytes: 4 + random.below(5) };
    default:
      return Array.from({ length: random.below(5) }, () => randomElement(random, depth - 1));
  }
}

function randomBytes(random: Random, most: number): Uint8Array {
  return Uint8Array.from({ length: random.below(most + 1) }, () => random.below(256));
}

const CONTENTS = [
  ...['', '0', '-0', '1.', '.5', '000123.456*kWh', '-12*kW', '1e5*V', '99999999999999999999999999*Wh'],
  ...['240230256199S', '101209113020W', '230.1*', '*V', '1*2*3', 'AB12', '16#FF', '0x10', '1,5*kW', 'NaN*V'],
];

/** Other contents between some of the brackets of a telegram that is text. */
export function withOtherGroups(telegram: Uint8Array, random: Random): Uint8Array {
  const text = Buffer.from(telegram).toString('latin1');
  const changed = text.replaceAll(/\(([^()]*)\)/g, (group) =>
    random.oneIn(20) ? `(${random.pick(CONTENTS)})` : group,
  );
  return new Uint8Array(Buffer.from(changed, 'latin1'));
}
