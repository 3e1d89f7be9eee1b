import { SmlReceiver } from './receiver.ts';
import type { SmlTelegram } from './telegram.ts';

/**
 * What a capture of a serial line says: each telegram in order, decoded or refused with the reason. A hexadecimal dump
 * as text is understood too (digits, white space, lines that begin with #): it can be told apart, for every telegram in a
 * raw capture begins with escape bytes, which no such text has.
 */
export function decodeSmlCapture(bytes: Uint8Array): SmlTelegram[] {
  const receiver = new SmlReceiver();
  return [...receiver.push(bytesOfHexText(bytes) ?? bytes), ...receiver.end()];
}

function bytesOfHexText(bytes: Uint8Array): Uint8Array | undefined {
  if (bytes.length === 0 || bytes.some((byte) => byte > 0x7e || (byte < 0x20 && !isBlank(byte))))
    return undefined;
  const digits = new TextDecoder()
    .decode(bytes)
    .replace(/^\s*#.*$/gm, '')
    .replace(/\s+/g, '');
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) return undefined;
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

function isBlank(byte: number): boolean {
  return byte === 0x09 || byte === 0x0a || byte === 0x0d;
}
