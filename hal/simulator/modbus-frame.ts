/** Requests and answers as they stand on the wire: RTU (unit, PDU, CRC) and Modbus TCP (MBAP header, PDU). */
export type Framing = 'rtu' | 'mbap';

export interface Request {
  readonly unitId: number;
  /** Modbus TCP only; 0 elsewhere. */
  readonly transactionId: number;
  readonly pdu: Buffer;
}

/** Longest frame of a serial line (Modbus over Serial Line V1.02 §2.5.1) and of TCP (Messaging V1.0b §3.1.3). */
const MAX_RTU_FRAME = 256;
const MAX_MBAP_FRAME = 260;
const MBAP_HEADER = 7;

/** Modbus over Serial Line V1.02 §2.5.1.2: polynomial A001h reflected, start FFFFh, low byte sent first. */
export function crc16(bytes: Uint8Array): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xa001 : crc >>> 1;
  }
  return crc;
}

export function encodeFrame(framing: Framing, frame: Request): Buffer {
  const body = Buffer.concat([Buffer.from([frame.unitId]), frame.pdu]);
  if (framing === 'mbap') {
    const header = Buffer.alloc(MBAP_HEADER - 1);
    header.writeUInt16BE(frame.transactionId, 0);
    header.writeUInt16BE(body.length, 4);
    return Buffer.concat([header, body]);
  }
  const crc = crc16(body);
  return Buffer.concat([body, Buffer.from([crc & 0xff, crc >>> 8])]);
}

/**
 * Takes requests out of a stream of bytes. A serial unit skips what is no request with a good CRC; a TCP server cannot
 * find the next frame after a bad header and says so.
 */
export class RequestReader {
  readonly #framing: Framing;
  #pending: Buffer = Buffer.alloc(0);

  constructor(framing: Framing) {
    this.#framing = framing;
  }

  /** Whole requests in the order of their arrival, or `lost` when the connection must be closed. */
  read(bytes: Uint8Array): Request[] | 'lost' {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    return this.#framing === 'rtu' ? this.#readRtu() : this.#readMbap();
  }

  /** After silence on a serial line, what came before it is no beginning of a frame any more. */
  forget(): void {
    this.#pending = Buffer.alloc(0);
  }

  #readRtu(): Request[] {
    const requests: Request[] = [];
    while (this.#pending.length >= 4) {
      const length = rtuRequestLength(this.#pending);
      if (length === 'more') break;
      if (length !== 'unknown' && this.#pending.length < length) break;
      const frame = length === 'unknown' ? undefined : this.#pending.subarray(0, length);
      if (frame === undefined || crc16(frame.subarray(0, -2)) !== frame.readUInt16LE(frame.length - 2)) {
        this.#pending = this.#pending.subarray(1);
        continue;
      }
      requests.push({ unitId: frame[0] ?? 0, transactionId: 0, pdu: Buffer.from(frame.subarray(1, -2)) });
      this.#pending = this.#pending.subarray(frame.length);
    }
    this.#pending = this.#pending.subarray(-MAX_RTU_FRAME);
    return requests;
  }

  #readMbap(): Request[] | 'lost' {
    const requests: Request[] = [];
    while (this.#pending.length > MBAP_HEADER) {
      const length = this.#pending.readUInt16BE(4);
      const total = MBAP_HEADER - 1 + length;
      if (this.#pending.readUInt16BE(2) !== 0 || length < 2 || total > MAX_MBAP_FRAME) return 'lost';
      if (this.#pending.length < total) break;
      requests.push({
        transactionId: this.#pending.readUInt16BE(0),
        unitId: this.#pending[MBAP_HEADER - 1] ?? 0,
        pdu: Buffer.from(this.#pending.subarray(MBAP_HEADER, total)),
      });
      this.#pending = this.#pending.subarray(total);
    }
    return requests;
  }
}

/** Length of the RTU request that begins here, CRC included. */
function rtuRequestLength(pending: Buffer): number | 'more' | 'unknown' {
  const functionCode = pending[1] ?? 0;
  if (functionCode >= 1 && functionCode <= 6) return 8;
  if (functionCode === 17) return 4;
  if (functionCode === 43) return 7;
  if (functionCode !== 15 && functionCode !== 16) return 'unknown';
  return pending.length < 7 ? 'more' : 9 + (pending[6] ?? 0);
}
