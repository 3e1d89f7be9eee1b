import type { EnergyMeter } from '../../contract/index.ts';
import { ModbusMeter, type ModbusMeterOptions } from './modbus-meter.ts';
import { SunSpecMeter } from './sunspec-meter.ts';

export { askUnit, type UnitPresence, type UnitQuestion } from './ask-unit.ts';
export { frameDocument, type FrameDocument } from './frame-document.ts';
export { FrameTrace, type TracedFrame, type WireBytes } from './frame-trace.ts';
export { identifyUnit, type ModelFound, type ModelsFound, type UnitToIdentify } from './identify-model.ts';
export type { ModbusMeterOptions } from './modbus-meter.ts';
export { framingOf, type FramingName } from './framing.ts';
export { decodeVector } from './vector-decoder.ts';

/** A meter of `profile` behind `unitId` on a line. Nothing is sent before the first read. */
export function createModbusMeter(options: ModbusMeterOptions): EnergyMeter {
  return options.profile.discovery === 'sunspec' ? new SunSpecMeter(options) : new ModbusMeter(options);
}
