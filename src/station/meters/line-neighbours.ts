import type { MeterFacts } from '../../metering/index.ts';

/** A meter's reading, and with how many meters it shares its line, itself among them: so long may it have to wait for its turn. */
export type MeterOnLineFacts = MeterFacts & { readonly sharedBy: number };

/** Adds what the configuration knows to what metering knows. Pure. */
export function onTheirLines(
  facts: readonly MeterFacts[],
  configured: readonly { readonly id: string; readonly line: string }[],
): readonly MeterOnLineFacts[] {
  const lineOf = new Map(configured.map(({ id, line }) => [id, line]));
  const metersOn = new Map<string, number>();
  for (const { line } of configured) metersOn.set(line, (metersOn.get(line) ?? 0) + 1);
  return facts.map((meter) => ({ ...meter, sharedBy: metersOn.get(lineOf.get(meter.meterId) ?? '') ?? 1 }));
}
