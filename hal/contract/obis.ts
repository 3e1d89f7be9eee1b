/**
 * Object identification (IEC 62056-61): what a value is, in full form `A-B:C.D.E*F`, such as `1-0:1.8.0*255`.
 * A: medium (1 = electricity); B: channel; C: quantity; D: how it was measured (7 instantaneous, 8 time integral);
 * E: tariff (0 = total); F: billing period (255 = the current one).
 */
export type ObisCode = string & { readonly __obis: unique symbol };

const FULL = /^(\d{1,3})-(\d{1,3}):(\d{1,3})\.(\d{1,3})\.(\d{1,3})\*(\d{1,3})$/;

/** True for the full six-group form with each group between 0 and 255. */
export function isObisCode(text: string): text is ObisCode {
  const groups = FULL.exec(text)?.slice(1);
  return groups !== undefined && groups.every((group) => Number(group) <= 255);
}

/** @throws RangeError unless the text is a full code; abbreviated forms are refused, not completed. */
export function obis(text: string): ObisCode {
  if (!isObisCode(text)) throw new RangeError(`not a full OBIS code (A-B:C.D.E*F): "${text}"`);
  return text;
}

/** Active energy imported and exported, total, current billing period: what billing rests on. */
export const ENERGY_IMPORT = '1-0:1.8.0*255' as ObisCode;
export const ENERGY_EXPORT = '1-0:2.8.0*255' as ObisCode;
/** Sum of active power over all phases; positive is import. */
export const POWER_ACTIVE = '1-0:16.7.0*255' as ObisCode;
