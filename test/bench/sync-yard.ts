import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { SimulatedStation } from '../../hal/simulator/index.ts';
import { createRootSeed, loadIdentity } from '../../src/identity/index.ts';
import type { Endowment } from '../devnet/index.ts';
import { type CountedChain, startCountedChain } from './counted-chain.ts';
import { diskDirectory, type DiskDirectory } from './disk.ts';
import { startMeters } from './station.ts';

/** A directory with a root seed in `state/` and nothing else, and the account of it, which has money. */
export interface NewStation {
  readonly directory: string;
  readonly endowment: Endowment;
}

/** What a bench of sync needs around it. */
export interface SyncYard {
  readonly disk: DiskDirectory;
  readonly meters: SimulatedStation;
  readonly chain: CountedChain;
  /** One that nobody has used yet. Throws when there is none left. */
  nextStation(): NewStation;
}

const METERS = 4;

/** Opens a yard with so many new stations, and closes it whatever becomes of the work in it. */
export async function inSyncYard<Result>(
  stationCount: number,
  work: (yard: SyncYard) => Promise<Result>,
): Promise<Result> {
  const disk = diskDirectory();
  const stops: (() => Promise<void> | void)[] = [() => disk.remove()];
  try {
    const meters = await startMeters(METERS);
    stops.push(() => meters.stop());
    const stations = await Promise.all(
      Array.from({ length: stationCount }, (_, index) =>
        makeStation(path.join(disk.path, `station-${index}`)),
      ),
    );
    const chain = await startCountedChain(
      disk.path,
      stations.map(({ endowment }) => endowment),
    );
    stops.push(() => chain.stop());
    const nextStation = (): NewStation => {
      const station = stations.pop();
      if (station === undefined) throw new Error('too few stations were made');
      return station;
    };
    return await work({ disk, meters, chain, nextStation });
  } finally {
    for (const stop of stops.reverse()) await stop();
  }
}

export function stateOf({ directory }: NewStation): string {
  return path.join(directory, 'state');
}

async function makeStation(directory: string): Promise<NewStation> {
  const state = path.join(directory, 'state');
  mkdirSync(state, { recursive: true, mode: 0o700 });
  await createRootSeed(state);
  const { chainAccount } = await loadIdentity(state);
  return { directory, endowment: { publicKey: chainAccount.publicKey, balance: 10n ** 15n } };
}
