import type { RegisterTable } from '../../contract/index.ts';

/** Most registers that one answer can carry, Modbus application protocol V1.1b3 §6.3 and §6.4. */
export const MAX_REGISTERS = 125;

/** "Read these registers of this unit": all that a meter is asked, but for a signed record (register-writer.ts). */
export interface ReadRequest {
  readonly unitId: number;
  readonly table: RegisterTable;
  readonly registerAddress: number;
  readonly registerCount: number;
}

/** `registers` holds two bytes for each register, as they came. */
export type ReadAnswer =
  | { readonly kind: 'registers'; readonly registers: Uint8Array }
  | { readonly kind: 'exception'; readonly code: number };

const EXCEPTION = 0x80;

/** 3: read holding registers; 4: read input registers. */
export function functionCodeOf(table: RegisterTable): 3 | 4 {
  return table === 'holding' ? 3 : 4;
}

/** Function code, start address, quantity: five bytes (§6.3, §6.4). */
export function encodeReadPdu({ table, registerAddress, registerCount }: ReadRequest): Uint8Array {
  return Uint8Array.of(
    functionCodeOf(table),
    registerAddress >>> 8,
    registerAddress & 0xff,
    registerCount >>> 8,
    registerCount & 0xff,
  );
}

/** Length of the answer's PDU when the request is granted. */
export function answerPduLength({ registerCount }: ReadRequest): number {
  return 2 + 2 * registerCount;
}

/** All that an answer shows of its request: unit, function and number of registers, but not which ones. */
export function answerShape({ unitId, table, registerCount }: ReadRequest): string {
  return `${unitId}/${functionCodeOf(table)}/${registerCount}`;
}

/**
 * What a whole PDU says in answer to the request. `wrong` names the first thing that does not belong to it: another
 * function, another number of bytes, a length that contradicts itself.
 */
export function decodeReadPdu(
  pdu: Uint8Array,
  request: ReadRequest,
): ReadAnswer | { readonly kind: 'wrong'; readonly seen: string } {
  const [functionCode = -1, second = -1] = pdu;
  const expected = functionCodeOf(request.table);
  if (functionCode === (expected | EXCEPTION)) {
    return pdu.length === 2
      ? { kind: 'exception', code: second }
      : wrong(`an exception of ${pdu.length} bytes`);
  }
  if (functionCode !== expected) return wrong(`function ${functionCode} instead of ${expected}`);
  if (second !== 2 * request.registerCount) {
    return wrong(`${second} bytes of registers instead of ${2 * request.registerCount}`);
  }
  if (pdu.length !== answerPduLength(request)) return wrong(`a PDU of ${pdu.length} bytes`);
  return { kind: 'registers', registers: pdu.slice(2) };
}

function wrong(seen: string): { kind: 'wrong'; seen: string } {
  return { kind: 'wrong', seen };
}
