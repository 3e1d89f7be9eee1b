export interface ParsedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As it stands there. */
  readonly value: string;
}

export interface ParsedFamily {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly ParsedSample[];
}

/**
 * A strict reader of Prometheus' text format 0.0.4, written from its description: every family has HELP and TYPE, in this order,
 * once, with its samples right behind; no sample twice; nothing is escaped that need not be. Throws at the first line that is not so.
 */
export function parseExposition(text: string): Map<string, ParsedFamily> {
  const families = new Map<string, ParsedFamily>();
  if (text === '') return families;
  if (!text.endsWith('\n')) throw new Error('the last line does not end');
  if (/[\x00-\x09\x0b-\x1f\x7f]/.test(text)) throw new Error('a control character');
  const lines = text.slice(0, -1).split('\n');
  const seen = new Set<string>();
  let open: { name: string; type: string; help: string; samples: ParsedSample[] } | undefined;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const [, helpOf, help = ''] = /^# HELP ([a-z_][a-z0-9_]*) (.+)$/.exec(line) ?? [];
    if (helpOf !== undefined) {
      const [, typeOf, type = ''] =
        /^# TYPE ([a-z_][a-z0-9_]*) (counter|gauge)$/.exec(lines[++at] ?? '') ?? [];
      if (typeOf !== helpOf) throw new Error(`no TYPE behind HELP of ${helpOf}`);
      if (families.has(helpOf)) throw new Error(`${helpOf} twice`);
      open = { name: helpOf, type, help: unescape(help, '\\n'), samples: [] };
      families.set(helpOf, open);
      continue;
    }
    const sample = parseSample(line);
    if (sample.name !== open?.name) throw new Error(`a sample of ${sample.name} behind ${open?.name}`);
    const series = JSON.stringify([sample.name, Object.entries(sample.labels).sort()]);
    if (seen.has(series)) throw new Error(`${series} twice`);
    seen.add(series);
    open.samples.push(sample);
  }
  for (const { name, samples } of families.values())
    if (samples.length === 0) throw new Error(`${name} has no sample`);
  return families;
}

function parseSample(line: string): ParsedSample {
  const name = /^[a-z_][a-z0-9_]*/.exec(line)?.[0];
  if (name === undefined) throw new Error(`no sample: ${line}`);
  let rest = line.slice(name.length);
  const labels: Record<string, string> = {};
  if (rest.startsWith('{')) {
    rest = rest.slice(1);
    for (;;) {
      const [pair, label = '', quoted = ''] = /^([a-z_][a-z0-9_]*)="((?:[^"\\]|\\["\\n])*)"/.exec(rest) ?? [];
      if (pair === undefined) throw new Error(`no label: ${rest}`);
      if (label in labels) throw new Error(`label ${label} twice`);
      labels[label] = unescape(quoted, '"\\n');
      rest = rest.slice(pair.length);
      const next = rest[0];
      rest = rest.slice(1);
      if (next === '}') break;
      if (next !== ',') throw new Error(`neither , nor }: ${next}`);
    }
  }
  const value = /^ (-?\d+(?:\.\d+)?(?:e[+-]\d+)?)$/.exec(rest)?.[1];
  if (value === undefined) throw new Error(`no value: ${rest}`);
  return { name, labels, value };
}

function unescape(text: string, allowed: string): string {
  return text.replaceAll(/\\(.)/g, (pair, char: string) => {
    if (!allowed.includes(char)) throw new Error(`escaped without need: ${pair}`);
    return char === 'n' ? '\n' : char;
  });
}
