/** Node's name of an architecture (`process.arch`), as far as a bundle is made for it. */
export type Arch = 'x64' | 'arm64' | 'arm';

/** e_machine of the ELF header (System V gABI, chapter 4; EM_ARM, EM_X86_64, EM_AARCH64), little-endian each. */
const MACHINES: readonly (readonly [machine: number, bits: 1 | 2, arch: Arch])[] = [
  [40, 1, 'arm'],
  [62, 2, 'x64'],
  [183, 2, 'arm64'],
];
const MAGIC = 0x7f454c46;
const LITTLE_ENDIAN = 1;
/** Up to and with e_machine. */
export const ELF_HEADER_BYTES = 20;

/** The architecture that an ELF file is for, from its first 20 bytes; undefined when it is none of ours, or no ELF file. */
export function archOfElf(header: Uint8Array): Arch | undefined {
  if (header.length < ELF_HEADER_BYTES) return undefined;
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  if (view.getUint32(0) !== MAGIC || view.getUint8(5) !== LITTLE_ENDIAN) return undefined;
  const bits = view.getUint8(4);
  const machine = view.getUint16(18, true);
  return MACHINES.find((known) => known[0] === machine && known[1] === bits)?.[2];
}
