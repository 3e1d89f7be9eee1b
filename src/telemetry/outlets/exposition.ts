/** One value with its labels. Text is a number as it is to be printed, digit by digit. */
export interface MetricSample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: string | number;
}

/** What is measured, and every value of it. Those with the same labels as one before are left out. */
export interface MetricFamily {
  readonly name: string;
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  readonly samples: readonly MetricSample[];
}

const NAME = /^[a-z][a-z0-9_]*$/;
const NUMBER = /^-?\d+(\.\d+)?$/;
// Everything below a blank but the line feed, which the format escapes: a NUL ends the text for some readers.
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f]/g;

/**
 * Text exposition format 0.0.4 of Prometheus, in the order given; families without a value are left out. Label values may be any
 * text. Pure.
 * @throws RangeError for a name or a number that the format does not have: the caller's fault
 */
export function expositionText(families: readonly MetricFamily[]): string {
  return families
    .filter(({ samples }) => samples.length > 0)
    .map(({ name, type, help, samples }) => {
      if (!NAME.test(name)) throw new RangeError(`not the name of a metric: "${name}"`);
      const values = new Map<string, string>();
      for (const { labels, value } of samples) {
        const line = name + labelText(labels);
        if (!values.has(line)) values.set(line, numberText(value));
      }
      const lines = [...values].map(([line, value]) => `${line} ${value}\n`);
      return `# HELP ${name} ${escaped(help)}\n# TYPE ${name} ${type}\n${lines.join('')}`;
    })
    .join('');
}

function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, text]) => {
    if (!NAME.test(label)) throw new RangeError(`not the name of a label: "${label}"`);
    return `${label}="${escaped(text).replaceAll('"', '\\"')}"`;
  });
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(text: string): string {
  return text.replace(CONTROL, '\ufffd').replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: string | number): string {
  if (typeof value === 'number' ? !Number.isFinite(value) : !NUMBER.test(value))
    throw new RangeError(`not a number: ${value}`);
  return String(value);
}
