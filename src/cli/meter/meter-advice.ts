import { MeterError } from '../../../hal/contract/index.ts';
import type { LineOptions } from '../../../hal/line/index.ts';

/** The same error with a hint for whoever stands in front of the meter with a screwdriver. */
export function withAdvice(error: unknown, line: LineOptions, unitId: number): unknown {
  if (!(error instanceof MeterError) || error.hint !== undefined) return error;
  const hint = advice(error, line, unitId);
  if (hint === undefined) return error;
  const { remedy, effect, details, cause } = error;
  return new MeterError(error.code, error.message, { remedy, effect, details, cause, hint });
}

function advice(error: MeterError, line: LineOptions, unitId: number): string | undefined {
  switch (error.code) {
    case 'meter.timeout':
      return line.kind === 'serial'
        ? `Check that the meter has unit id ${unitId} (--unit), ${line.baudRate} baud (--baud) and parity ` +
            `${line.parity} (--parity) on its display, that A and B are not swapped, and that it has power.`
        : `${line.host} is reachable, but unit ${unitId} behind it did not answer: check the unit id (--unit)` +
            (line.kind === 'tcp'
              ? ', and for a transparent gateway use --rtu-over-tcp.'
              : ', the baud rate and parity set in the gateway, and that A and B are not swapped.');
    case 'meter.bad_frame':
      return line.kind === 'serial'
        ? 'Bytes arrive, but they make no answer: check the baud rate and parity, the termination of the bus, and ' +
            'that no two devices have the same unit id.'
        : 'Bytes arrive, but they make no answer: a Modbus TCP server needs --tcp, a transparent gateway --rtu-over-tcp.';
    case 'meter.exception':
      return error.details['exception'] === 10
        ? `The gateway has no path to unit ${unitId}: check the unit id (--unit) and the gateway's settings.`
        : 'The meter answers, but refuses: check that the profile is that of this model.';
    case 'line.open_failed':
      return line.kind === 'serial'
        ? 'Check the name of the device, that this user may open it (group dialout), and that no other program has it.'
        : openAdvice(error.details['systemCode'], line);
    case 'line.closed':
      return 'The other side ended the connection: many gateways serve one client at a time.';
    case 'meter.incompatible':
    case 'meter.quarantined':
    case 'line.queue_full':
      return undefined;
  }
}

function openAdvice(systemCode: unknown, { host, port }: { host: string; port: number }): string {
  switch (systemCode) {
    case 'ECONNREFUSED':
      return `${host} is there, but nothing listens on port ${port}: check the port, and that Modbus is switched on.`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The name ${host} cannot be resolved: check the name, or use the IP address.`;
    default:
      return `Check the address ${host}, and that the network between here and there lets port ${port} through.`;
  }
}
