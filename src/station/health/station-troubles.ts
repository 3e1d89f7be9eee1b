import { StationError } from '../../../hal/contract/index.ts';

export type StationPart = 'journal' | 'control' | 'chain' | 'telemetry';

/** What happened to a part of the station since its start and lasts, for the health list: `[code] message`. */
export interface StationTroubles {
  /** A journal was kept aside at this start. */
  readonly setAside: string | null;
  /** Stored entries do not verify. */
  readonly damage: string | null;
  /** Why the newest configuration is not the one that it runs with. */
  readonly notTaken: string | null;
  /** Last time that a part could not be opened, and the code of that. */
  readonly parts: ReadonlyMap<StationPart, { readonly code: string; readonly text: string }>;
}

/** Collects them as they come; bounded, one of a kind. */
export class TroubleNotes implements StationTroubles {
  setAside: string | null = null;
  damage: string | null = null;
  notTaken: string | null = null;
  readonly parts = new Map<StationPart, { readonly code: string; readonly text: string }>();

  note(part: StationPart, error: unknown): void {
    const code = error instanceof StationError ? error.code : 'internal';
    this.parts.set(part, { code, text: inWords(error) });
  }

  noteSetAside(error: unknown, keptAs: string): void {
    this.setAside = `${inWords(error)}; kept as ${keptAs}`;
  }

  noteNotTaken(error: unknown): void {
    this.notTaken = inWords(error);
  }

  noteDamage(error: unknown): void {
    this.damage = inWords(error);
  }
}

function inWords(error: unknown): string {
  const code = error instanceof StationError ? error.code : 'internal';
  return `[${code}] ${error instanceof Error ? error.message : String(error)}`;
}
