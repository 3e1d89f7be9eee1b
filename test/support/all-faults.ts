import type { Fault } from '../../hal/simulator/index.ts';

// Every fault of the simulator, for the matrices: what any line can have, and what only sockets, RTU or Modbus TCP can.

const COMMON: Fault[] = [
  { kind: 'silent' },
  { kind: 'late', ms: 90 },
  { kind: 'late', ms: 150 },
  { kind: 'exception', code: 4 },
  { kind: 'exception', code: 5 },
  { kind: 'exception', code: 10 },
  { kind: 'exception', code: 11 },
  { kind: 'busy' },
  { kind: 'shortFrame' },
  { kind: 'longFrame' },
  { kind: 'wrongUnit' },
  { kind: 'wrongFunction' },
  { kind: 'wrongByteCount' },
  { kind: 'duplicate' },
  { kind: 'duplicate', ms: 0 },
  { kind: 'glued' },
  { kind: 'noiseBefore' },
  { kind: 'garbage' },
  { kind: 'byteByByte', gapMs: 0 },
];
const SOCKET: Fault[] = [{ kind: 'closeSocket' }, { kind: 'closeInAnswer' }];
const RTU: Fault[] = [{ kind: 'corruptCrc' }, { kind: 'corruptData' }];
const MBAP: Fault[] = [
  { kind: 'bogusProtocolId' },
  { kind: 'bogusLength' },
  { kind: 'wrongTransaction' },
  { kind: 'swappedOrder' },
];

export const FAULTS_OF = {
  tcp: [...COMMON, ...SOCKET, ...MBAP],
  rtuOverTcp: [...COMMON, ...SOCKET, ...RTU],
  pty: [...COMMON, ...RTU],
} as const satisfies Record<string, readonly Fault[]>;

/** For the name of a test or the row of a table. */
export const faultName = (fault: Fault): string => JSON.stringify(fault).replaceAll('"', '');
