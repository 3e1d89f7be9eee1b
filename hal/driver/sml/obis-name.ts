import { obis, type ObisCode } from '../../contract/index.ts';
import { hexOf } from './server-id.ts';

/** The six bytes of an object's name in the form A-B:C.D.E*F; a name of another length as it is, in hexadecimal. */
export function obisOf(name: Uint8Array): ObisCode | string {
  if (name.length !== 6) return hexOf(name);
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = name;
  return obis(`${a}-${b}:${c}.${d}.${e}*${f}`);
}
