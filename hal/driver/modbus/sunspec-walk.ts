import type { RegisterSpan } from '../../contract/index.ts';
import { SUNSPEC_COMMON, SUNSPEC_METERS } from './sunspec-models.ts';

/** Where a SunSpec map may begin, in the order in which devices are asked (SunSpec Device Information Model §6.2). */
export const SUNSPEC_BASES: readonly number[] = [40_000, 0, 50_000];
/** "SunS". */
const MARKER = 0x53756e53;
const MARKER_REGISTERS = 2;
const HEADER_REGISTERS = 2;
const END_MODEL = 0xffff;
/** The largest devices have some dozen models; a chain of more is no chain. */
const MAX_MODELS = 250;

/** What was read so far, by first register; undefined where the device says that it has no such registers. */
export type Seen = ReadonlyMap<number, Uint8Array | undefined>;

/** The first AC meter of a device, and the common model that speaks for it. Addresses are those of the models' ids. */
export interface SunSpecLayout {
  readonly base: number;
  readonly common: { readonly address: number; readonly content: Uint8Array };
  readonly meter: {
    readonly modelId: number;
    readonly address: number;
    /** As the device announces it; what is beyond the definition is unknown. */
    readonly announcedLength: number;
    /** Registers of the model that are defined and that the device has, header not counted. */
    readonly length: number;
    /** Those registers; undefined when the device refuses to give them all at once. */
    readonly content: Uint8Array | undefined;
  };
}

/** `read`: nothing can be said before these registers are seen. `none`: the device has no AC meter of SunSpec. */
export type SunSpecStep =
  | { readonly kind: 'read'; readonly span: RegisterSpan }
  | { readonly kind: 'found'; readonly layout: SunSpecLayout }
  | { readonly kind: 'none'; readonly why: string };

/**
 * The next step on the way from the marker through the chain of models (id, length, content) to the first AC meter. A chain
 * is followed as far as the meter and no further. Where several common models stand in the chain (an inverter with meters
 * behind it), the last one before the meter is the meter's. Pure, never throws, and done after a bounded number of reads.
 */
export function walkSunSpec(seen: Seen): SunSpecStep {
  for (const base of SUNSPEC_BASES) {
    if (!seen.has(base)) return read(base, MARKER_REGISTERS + HEADER_REGISTERS);
    const start = seen.get(base);
    if (start !== undefined && viewOf(start).getUint32(0) === MARKER) {
      return walkChain(seen, base, start.subarray(2 * MARKER_REGISTERS));
    }
  }
  return none(`no "SunS" at ${SUNSPEC_BASES.join(', ')}`);
}

function walkChain(seen: Seen, base: number, firstHeader: Uint8Array): SunSpecStep {
  let address = base + MARKER_REGISTERS;
  let header = firstHeader;
  let common: number | undefined;
  for (let models = 0; models < MAX_MODELS; models++) {
    const [id, length] = [viewOf(header).getUint16(0), viewOf(header).getUint16(2)];
    if (id === END_MODEL) return none('no AC meter (models 201 to 204, 211 to 214) in the chain');
    if (id === SUNSPEC_COMMON.id) {
      if (length < SUNSPEC_COMMON.leastLength) return none(`a common model of ${length} registers`);
      common = address;
    }
    if (common === undefined) return none(`model ${id} before the common model`);
    if (SUNSPEC_METERS.has(id)) return meterAt(seen, { base, common, id, address, length });
    address += HEADER_REGISTERS + length;
    if (address + HEADER_REGISTERS > 0x10000) return none(`model ${id} leaves the registers that there are`);
    if (!seen.has(address)) return read(address, HEADER_REGISTERS);
    const next = seen.get(address);
    if (next === undefined) return none(`the chain of models breaks off at ${address}`);
    header = next;
  }
  return none(`a chain of more than ${MAX_MODELS} models`);
}

interface MeterFound {
  readonly base: number;
  readonly common: number;
  readonly id: number;
  readonly address: number;
  readonly length: number;
}

function meterAt(seen: Seen, { base, common, id, address, length: told }: MeterFound): SunSpecStep {
  const model = SUNSPEC_METERS.get(id);
  const length = Math.min(told, model?.length ?? 0);
  if (model === undefined || length < model.leastLength) return none(`model ${id} of ${told} registers`);
  const [commonFrom, meterFrom] = [common + HEADER_REGISTERS, address + HEADER_REGISTERS];
  if (meterFrom + length > 0x10000) return none(`model ${id} leaves the registers that there are`);
  if (!seen.has(commonFrom)) return read(commonFrom, SUNSPEC_COMMON.leastLength);
  if (!seen.has(meterFrom)) return read(meterFrom, length);
  const commonContent = seen.get(commonFrom);
  if (commonContent === undefined) return none(`the common model at ${common} cannot be read`);
  return {
    kind: 'found',
    layout: {
      base,
      common: { address: common, content: commonContent },
      meter: { modelId: id, address, announcedLength: told, length, content: seen.get(meterFrom) },
    },
  };
}

function read(registerAddress: number, registerCount: number): SunSpecStep {
  return { kind: 'read', span: { table: 'holding', registerAddress, registerCount } };
}

function none(why: string): SunSpecStep {
  return { kind: 'none', why };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
