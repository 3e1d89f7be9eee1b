import type { MeterProfile } from '../../../hal/contract/index.ts';
import { encodeField } from './register-encoder.ts';

/** Registers by table and address. */
export type RegisterImage = Readonly<Record<'holding' | 'input', ReadonlyMap<number, number>>>;

/** Raw contents for every point of a profile, made from `seed`, and the values that a meter then shows. */
export function givenRegisters(profile: MeterProfile, serial: string, seed: number) {
  const image = { holding: new Map<number, number>(), input: new Map<number, number>() };
  const put = (table: 'holding' | 'input', address: number, bytes: Uint8Array): void => {
    for (let i = 0; i < bytes.length; i += 2) {
      image[table].set(address + i / 2, ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0));
    }
  };
  const { serial: field } = profile.identity;
  if (field !== undefined) {
    put(
      field.table,
      field.registerAddress,
      encodeField(field, field.type === 'string' ? serial : BigInt(serial)),
    );
  }
  const expected = profile.points.map((point, index) => {
    // Up to five digits, so that 16-bit registers and floats hold them exactly.
    const raw = ((seed + index) * 7_919) % 30_011;
    const isFloat = point.type.startsWith('float');
    put(point.table, point.registerAddress, encodeField(point, isFloat ? raw / 10 : BigInt(raw)));
    const tenths = isFloat ? raw : raw * 10;
    return { obis: point.obis, tenths, exponent: point.decimalExponent - 1, unit: point.unit };
  });
  return { image, expected };
}

/** The same number however many zeros it is written with: what `tenths * 10^exponent` is. */
export function sameNumber(text: string, tenths: number, exponent: number): boolean {
  const [whole = '', fraction = ''] = text.split('.');
  const digits = BigInt(whole + fraction);
  const scale = -fraction.length - exponent;
  return scale >= 0
    ? digits * 10n ** BigInt(scale) === BigInt(tenths)
    : digits === BigInt(tenths) * 10n ** BigInt(-scale);
}
