import * as v from 'valibot';
import { isMap, isNode, isPair, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { ConfigError, type ConfigIssue } from './errors.ts';
import { nearestWord } from './nearest-word.ts';
import { STATION_FILE, type StationFile } from './schema.ts';

type Path = readonly (string | number)[];
type Located = (path: Path, message: string, atKey?: boolean) => ConfigIssue;

/** Facts from outside of this room that a configuration is checked against. */
export interface ConfigContext {
  /** Ids of the meter profiles at hand. Without it profiles are not checked. */
  readonly knownProfiles?: readonly string[];
}

/**
 * Text of a station.yaml to a StationFile that makes sense as a whole.
 * @throws ConfigError `config.invalid` with every issue found, each with its line.
 */
export function parseStationFile(text: string, context: ConfigContext = {}): StationFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const locate = locator(document, lines);
  const syntax = document.errors.map((error) => {
    const { line, col } = lines.linePos(error.pos[0]);
    return { line, column: col, key: '', message: error.message.split('\n')[0] ?? error.code };
  });
  if (syntax.length > 0) throw invalid(syntax);

  const parsed = v.safeParse(STATION_FILE, plainValue(document));
  if (!parsed.success) throw invalid(parsed.issues.map((issue) => toConfigIssue(issue, locate)));
  const issues = contradictions(parsed.output, context, locate);
  if (issues.length > 0) throw invalid(issues);
  return parsed.output;
}

/** Aliases are refused: a configuration gains nothing from them, and they can be nested without end. */
function plainValue(document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (error) {
    throw invalid([{ line: 1, column: 1, key: '', message: (error as Error).message }]);
  }
}

function invalid(issues: readonly ConfigIssue[]): ConfigError {
  const sorted = [...issues].sort((a, b) => a.line - b.line || a.column - b.column);
  const list = sorted.map(
    ({ line, key, message }) => `  line ${line}: ${key === '' ? '' : `${key}: `}${message}`,
  );
  return new ConfigError('config.invalid', `the configuration is not valid:\n${list.join('\n')}`, sorted);
}

/** Finds where a path stands in the text: at its value, at its key, or at the nearest thing above it that exists. */
function locator(document: Document.Parsed, lines: LineCounter): Located {
  return (path, message, atKey = false) => {
    const key = path.reduce<string>(
      (text, part) =>
        typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`,
      '',
    );
    for (let depth = path.length; depth >= 0; depth--) {
      const node = nodeAt(document, path.slice(0, depth), atKey && depth === path.length);
      if (node?.range) {
        const { line, col } = lines.linePos(node.range[0]);
        return { line, column: col, key, message };
      }
    }
    return { line: 1, column: 1, key, message };
  };
}

function nodeAt(document: Document.Parsed, path: Path, key: boolean): Node | undefined {
  if (!key) {
    const node = document.getIn(path, true);
    return isNode(node) ? node : undefined;
  }
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (!isMap(parent)) return undefined;
  const pair = parent.items.find(
    (item) => isPair(item) && isScalar(item.key) && item.key.value === path.at(-1),
  );
  return isScalar(pair?.key) ? pair.key : undefined;
}

function toConfigIssue(issue: v.BaseIssue<unknown>, locate: Located): ConfigIssue {
  const path = (issue.path ?? []).map((item) => item.key as string | number);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = knownKeys(path.slice(0, -1));
    const near = nearestWord(String(path.at(-1)), known);
    const advice = near !== undefined ? `did you mean "${near}"?` : `known keys: ${known.join(', ')}`;
    return locate(path, `unknown key; ${advice}`, true);
  }
  if (issue.received === 'undefined') return locate(path, 'is missing');
  if (issue.kind === 'schema')
    return locate(path, `must be ${issue.expected ?? 'something else'}, not ${issue.received}`);
  return locate(path, issue.message);
}

/** Keys that the schema knows at a path, for suggestions. */
function knownKeys(path: Path): string[] {
  let schema: unknown = STATION_FILE;
  const unwrap = (s: unknown): unknown => {
    const { type, wrapped, pipe } = s as { type?: string; wrapped?: unknown; pipe?: unknown[] };
    if (type === 'optional') return unwrap(wrapped);
    return pipe !== undefined && pipe[0] !== s ? unwrap(pipe[0]) : s;
  };
  schema = unwrap(schema);
  for (const part of path) {
    const { entries, item } = schema as { entries?: Record<string, unknown>; item?: unknown };
    schema = unwrap(typeof part === 'number' ? item : entries?.[part]);
  }
  return Object.keys((schema as { entries?: object }).entries ?? {});
}

/** What each key allows by itself and the whole does not. */
function contradictions(file: StationFile, context: ConfigContext, locate: Located): ConfigIssue[] {
  return [
    ...lineContradictions(file, locate),
    ...meterContradictions(file, context, locate),
    ...chainContradictions(file, locate),
  ];
}

function lineContradictions({ lines }: StationFile, locate: Located): ConfigIssue[] {
  return lines.flatMap((line, i) => {
    const issues: ConfigIssue[] = [];
    const kinds = (['serial', 'tcp', 'rtuOverTcp'] as const).filter((kind) => line[kind] !== undefined);
    if (kinds.length !== 1) {
      issues.push(
        locate(
          ['lines', i],
          `needs exactly one of serial, tcp, rtuOverTcp (has ${kinds.join(', ') || 'none'})`,
        ),
      );
    }
    if (line.serial === undefined) {
      for (const key of ['baudRate', 'parity', 'dataBits', 'stopBits'] as const) {
        if (line[key] !== undefined) issues.push(locate(['lines', i, key], 'is for serial lines only', true));
      }
    }
    if (lines.findIndex((other) => other.id === line.id) < i) {
      issues.push(locate(['lines', i, 'id'], `"${line.id}" is taken by an earlier line`));
    }
    return issues;
  });
}

function meterContradictions(
  { lines, meters }: StationFile,
  context: ConfigContext,
  locate: Located,
): ConfigIssue[] {
  const lineIds = lines.map((line) => line.id);
  return meters.flatMap((meter, i) => {
    const issues: ConfigIssue[] = [];
    const unknown = (key: 'line' | 'profile', what: string, candidates: readonly string[]): void => {
      if (candidates.includes(meter[key])) return;
      const near = nearestWord(meter[key], candidates);
      const advice =
        near !== undefined ? `did you mean "${near}"?` : `there are: ${candidates.join(', ') || 'none'}`;
      issues.push(locate(['meters', i, key], `no ${what} "${meter[key]}"; ${advice}`));
    };
    unknown('line', 'line', lineIds);
    if (context.knownProfiles !== undefined) unknown('profile', 'meter profile', context.knownProfiles);
    if (meters.findIndex((other) => other.id === meter.id) < i) {
      issues.push(locate(['meters', i, 'id'], `"${meter.id}" is taken by an earlier meter`));
    }
    if (meters.findIndex((other) => other.line === meter.line && other.unitId === meter.unitId) < i) {
      issues.push(
        locate(
          ['meters', i, 'unitId'],
          `an earlier meter has unit id ${meter.unitId} on line "${meter.line}"`,
        ),
      );
    }
    return issues;
  });
}

function chainContradictions({ chain }: StationFile, locate: Located): ConfigIssue[] {
  if (chain === undefined) return [];
  const needed = chain.transport === 'rpc' ? (['url'] as const) : (['relaySpec', 'paraSpec'] as const);
  return needed
    .filter((key) => chain[key] === undefined)
    .map((key) => locate(['chain', 'transport'], `transport ${chain.transport} needs ${key}`));
}
