import { readingDocument } from '../../../metering/index.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { configuredMeter } from './configured-meter.ts';

/**
 * One reading for whoever looks for a fault, after whatever else waits for the line. It is neither judged nor journaled: the
 * readings that count are metering's.
 */
export function meterRead(parts: Pick<RemoteParts, 'reading'>): Handler<'meter read'> {
  return async ({ meter: id }) => {
    const { meter, ...document } = readingDocument(await configuredMeter(parts, id).readSample('diagnostic'));
    return { meter: { id, ...meter }, ...document };
  };
}
