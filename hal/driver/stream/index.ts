export {
  createStreamMeter,
  type StreamMeter,
  type StreamMeterOptions,
  type StreamMeterStatistics,
} from './stream-meter.ts';
export { createReadoutMeter, type ReadoutMeterOptions } from './readout-meter.ts';
