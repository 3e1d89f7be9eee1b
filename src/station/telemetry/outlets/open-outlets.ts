import type { Log, MonotonicClock } from '../../../../hal/contract/index.ts';
import type { StationConfig } from '../../../config/index.ts';
import { openMetricsSocket, type MetricsSocket } from '../../../service/index.ts';
import type { Telemetry } from '../../../telemetry/index.ts';
import { DocumentBoard } from './document-board.ts';
import { HomeAssistantNews } from './home-assistant-news.ts';
import { NO_BROKER } from './no-broker.ts';
import { TelemetryWithOutlets } from './telemetry-with-outlets.ts';

export interface OutletParts {
  readonly config: Pick<StationConfig, 'station' | 'telemetry'>;
  readonly version: string;
  /** Of the station's identity. */
  readonly publicKey: Uint8Array;
  readonly clock: MonotonicClock;
  readonly log: Log;
}

/**
 * Telemetry that Home Assistant and Prometheus see, too, where they are configured; without a broker it may be that they alone do.
 * A socket that cannot be opened degrades, and the rest goes on.
 */
export async function openOutlets(
  telemetry: Telemetry | undefined,
  parts: OutletParts,
  degraded: (error: unknown) => void,
): Promise<Telemetry> {
  const { mqtt, prometheus } = parts.config.telemetry;
  const broker = telemetry ?? NO_BROKER;
  if (mqtt?.homeAssistant === undefined && prometheus === undefined) return broker;
  const homeAssistant = await announcing(broker, parts);
  const board = prometheus && new DocumentBoard();
  const hasBroker = telemetry !== undefined;
  const socket =
    board && (await openMetrics(board, hasBroker, parts).catch((error: unknown) => void degraded(error)));
  const close = async (): Promise<void> => await socket?.close();
  return new TelemetryWithOutlets(broker, { board, homeAssistant, close });
}

async function announcing(
  broker: Telemetry,
  { config, version }: OutletParts,
): Promise<HomeAssistantNews | undefined> {
  const prefix = config.telemetry.mqtt?.homeAssistant?.prefix;
  if (prefix === undefined) return undefined;
  const { announceStation } = await import('../../../telemetry/index.ts');
  const station = { prefix, station: config.station.name, version };
  broker.announce(announceStation(station));
  return new HomeAssistantNews(station);
}

async function openMetrics(
  board: DocumentBoard,
  hasBroker: boolean,
  { config, version, publicKey, clock, log }: OutletParts,
): Promise<MetricsSocket | undefined> {
  const path = config.telemetry.prometheus?.socket;
  if (path === undefined) return undefined;
  const { metricsText } = await import('../../../telemetry/index.ts');
  const station = {
    ...{ station: config.station.name, version, hasBroker },
    publicKey: Buffer.from(publicKey).toString('hex'),
  };
  const text = (): string => metricsText({ ...station, nowMonoMs: clock.nowMonoMs(), ...board.held() });
  return await openMetricsSocket({ path, text, clock, log });
}
