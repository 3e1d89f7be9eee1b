export {
  createStreamMeter,
  type StreamMeter,
  type StreamMeterOptions,
  type StreamMeterStatistics,
} from './stream-meter.ts';
