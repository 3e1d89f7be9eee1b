import { decodeServerId } from './server-id.ts';
import type { Tlv } from './tlv.ts';

// What meters in the field do otherwise than the standard says, one name each. Nothing here lets a frame pass whose check
// failed: a quirk is a different, exactly known check or coding, tied to the meters that have it.

/**
 * HOLLEY_KERMIT: some Holley DTZ541 (first seen 2019) compute CRC-16/KERMIT instead of X-25 and send it high byte first, in
 * the messages and, on some, in the frame. Others of the same model do it right. It is accepted from a meter of
 * manufacturer HLY only, and a frame with it only when every message in it has it too, so that no single damaged byte can
 * turn one check into the other. Known from volkszaehler/libsml issue 75 and spacemanspiff2007/SmlLib issue 22.
 */
export function mayUseKermit(serverId: Uint8Array | undefined): boolean {
  return serverId !== undefined && decodeServerId(serverId)?.manufacturer === 'HLY';
}

/**
 * HOLLEY_UNTAGGED_TIME: the same meters send a time as a bare number of seconds where the standard wants a choice of two
 * elements. `decodeTime` takes both.
 */

/**
 * DZG_FOUR_FILL_BYTES: some DZG meters add four fill bytes to a file that needs none; the standard knows 0 to 3.
 * Known from the captures of spacemanspiff2007/SmlLib.
 */
export const MAX_FILL_BYTES = 4;

/**
 * SHORT_CHECKSUM: Iskra and others drop a leading zero byte of the message checksum, as of any number (`62 E0` for
 * `63 00 E0`). Read as a number, both are one.
 */

/** Serial numbers of DZG DVS74 meters with DZG_UNSIGNED_POWER, found out by the owners of libsml; 60000000 and up are right. */
const DZG_UNSIGNED_POWER_SERIALS: readonly (readonly [first: number, last: number])[] = [
  [42_000_000, 48_999_999],
  [55_000_000, 58_999_999],
];
const DZG_POWER = '1-0:16.7.0*255';

/**
 * DZG_UNSIGNED_POWER: these meters code power as a signed number but drop leading zero bytes even where the next bit is set:
 * 356.24 W comes as `53 8B 28`, which reads as -299.12 W. Real negative values come in four bytes, so a value in one to
 * three bytes is meant unsigned. Newer DZG meters send short negative values rightly; they must not be touched.
 * Known from volkszaehler/libsml (sml_list.c) and the captures of devZer0/libsml-testing.
 */
export function asTheMeterMeantIt(value: Tlv, obis: string, serverId: Uint8Array | undefined): Tlv {
  if (value.kind !== 'integer' || obis !== DZG_POWER || value.value >= 0n || value.byteCount > 3)
    return value;
  if (!hasUnsignedPower(serverId)) return value;
  return { ...value, kind: 'unsigned', value: BigInt.asUintN(8 * value.byteCount, value.value) };
}

function hasUnsignedPower(serverId: Uint8Array | undefined): boolean {
  const id = serverId === undefined ? undefined : decodeServerId(serverId);
  if (id === undefined || id.manufacturer !== 'DZG' || id.block !== 0) return false;
  return DZG_UNSIGNED_POWER_SERIALS.some(([first, last]) => id.number >= first && id.number <= last);
}
