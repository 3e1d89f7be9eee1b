import { B23 } from './models/abb.ts';
import { EM340 } from './models/carlo-gavazzi.ts';
import { SDM630, SDM72D_M, SDM72D_M_V2 } from './models/eastron.ts';
import { IEM3155 } from './models/schneider.ts';
import type { MeterModel } from './register-map.ts';

/** Meter models that can be simulated, by the name of their profile. */
export const METER_MODELS: ReadonlyMap<string, MeterModel> = new Map(
  [SDM630, SDM72D_M, SDM72D_M_V2, B23, EM340, IEM3155].map((model) => [model.id, model]),
);
