import { expositionText } from './exposition.ts';
import { lineFamilies, meterFamilies, valueFamilies } from './meter-metrics.ts';
import type { MetricFacts } from './metric-facts.ts';
import { healthFamilies, journalFamilies, stateFamilies, syncFamilies } from './station-metrics.ts';

/** What a Prometheus server is told (text format 0.0.4), from the documents that also go to a broker. Pure. */
export function metricsText(facts: MetricFacts): string {
  return expositionText(
    [
      stateFamilies,
      valueFamilies,
      meterFamilies,
      lineFamilies,
      journalFamilies,
      syncFamilies,
      healthFamilies,
    ].flatMap((families) => families(facts)),
  );
}
