import { InvalidArgumentError } from 'commander';

const MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Parser of an option such as `500ms`, `10s`, `5m` or `1h`; the notation of station.yaml. Milliseconds. */
export function duration(text: string): number {
  const match = /^(\d{1,6})(ms|s|m|h)$/.exec(text);
  const milliseconds = Number(match?.[1]) * (MS[match?.[2] ?? ''] ?? NaN);
  if (!(milliseconds > 0)) throw new InvalidArgumentError('a duration such as 500ms, 10s, 5m or 1h');
  return milliseconds;
}
