import { readFileSync } from 'node:fs';

/** Linux makes a random UUID at each boot of the kernel (random(4)); 16 bytes. */
export function readKernelBootId(file = '/proc/sys/kernel/random/boot_id'): Uint8Array {
  return new Uint8Array(Buffer.from(readFileSync(file, 'utf8').trim().replaceAll('-', ''), 'hex'));
}
