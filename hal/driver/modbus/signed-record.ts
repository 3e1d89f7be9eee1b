import {
  MeterError,
  type ProfileLink,
  type SignedMeterRecord,
  type SignedRecordRegisters,
  type SignedRecords,
} from '../../contract/index.ts';
import type { RegisterReader } from './register-reader.ts';
import type { RegisterWriter } from './register-writer.ts';

/** Signing takes a meter a second or so. */
const POLL_PAUSE_MS = 250;

export interface SigningRequest {
  readonly records: SignedRecords;
  readonly moment: 'begin' | 'end';
  readonly link: ProfileLink;
  readonly reader: RegisterReader;
  readonly writer: RegisterWriter;
}

/**
 * Tells the meter to sign, waits until it has, and reads what it signed, byte for byte. A command that was lost ends with an
 * error: the record that lies in the registers then may be of an earlier session.
 * @throws MeterError `meter.exception` when the meter says that it could not sign, `meter.timeout` when it does not come to an end
 */
export async function haveSigned(request: SigningRequest): Promise<SignedMeterRecord> {
  const { records, moment, link, reader, writer } = request;
  const registers = records[moment];
  await writer.write(registers.statusAddress, records.command, records.timeoutMs);
  await untilReady(request, registers);
  const text: number[] = [];
  for (let done = 0; done < registers.textRegisters && !text.includes(0);) {
    const registerCount = Math.min(link.maxRegistersPerRead, registers.textRegisters - done);
    const registerAddress = registers.textAddress + done;
    const read = await reader.read({ table: 'holding', registerAddress, registerCount }, 'billing');
    text.push(...read.registers);
    done += registerCount;
  }
  const end = text.indexOf(0);
  const bytes = Uint8Array.from(end < 0 ? text : text.slice(0, end));
  const { format } = records;
  try {
    return {
      format,
      encoding: 'text',
      data: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes),
    };
  } catch {
    // No text that could be kept as it is: the bytes are.
    return { format, encoding: 'hex', data: Buffer.from(bytes).toString('hex') };
  }
}

async function untilReady(
  { records, reader }: SigningRequest,
  { statusAddress, documentRef }: SignedRecordRegisters,
): Promise<void> {
  const span = { table: 'holding', registerAddress: statusAddress, registerCount: 1 } as const;
  let firstMonoMs: number | undefined;
  for (;;) {
    // Some meters answer this one only when they have signed.
    const patience = {
      pauseMs: firstMonoMs === undefined ? 0 : POLL_PAUSE_MS,
      responseTimeoutMs: records.timeoutMs,
    };
    const { registers, sentMonoMs, receivedMonoMs } = await reader.read(span, 'billing', patience);
    const status = ((registers[0] ?? 0) << 8) | (registers[1] ?? 0);
    if (status === records.ready) return;
    firstMonoMs ??= sentMonoMs;
    const details = { status, register: documentRef };
    if (status !== records.busy) {
      throw new MeterError('meter.exception', `the meter could not sign: status ${status}`, { details });
    }
    if (receivedMonoMs - firstMonoMs > records.timeoutMs) {
      throw new MeterError('meter.timeout', `the meter still signs after ${records.timeoutMs} ms`, {
        details,
      });
    }
  }
}
