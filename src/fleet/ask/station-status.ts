import { oneLine, readObject } from './part-collector.ts';

/** What a station's `status` says, as far as asking it needs it. Nobody has signed it. */
export type StationStatus =
  | {
      readonly status: 'online';
      /** 32 hexadecimal digits; undefined: the station takes no commands. */
      readonly challenge: string | undefined;
      /** 64 hexadecimal digits. */
      readonly publicKey: string | undefined;
      readonly origin: string | undefined;
      readonly version: string | undefined;
    }
  | { readonly status: 'offline'; readonly reason: string };

/** Undefined: it is no document `status`. */
export function readStatus(payload: Uint8Array): StationStatus | undefined {
  const said = readObject(payload);
  if (said?.['status'] === 'offline') {
    const { reason } = said;
    return { status: 'offline', reason: typeof reason === 'string' ? oneLine(reason) : 'no reason told' };
  }
  if (said?.['status'] !== 'online') return undefined;
  const identity = (said['identity'] ?? {}) as Readonly<Record<string, unknown>>;
  return {
    status: 'online',
    challenge: textLike(said['challenge'], /^[0-9a-f]{32}$/),
    publicKey: textLike(identity['publicKey'], /^[0-9a-f]{64}$/),
    origin: textLike(identity['origin'], /^[^\s+]{1,255}$/),
    version: textLike(said['version'], /^[\x21-\x7e]{1,64}$/),
  };
}

function textLike(value: unknown, form: RegExp): string | undefined {
  return typeof value === 'string' && form.test(value) ? value : undefined;
}
