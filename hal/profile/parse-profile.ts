import * as v from 'valibot';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import type { MeterProfile } from '../contract/index.ts';
import type { ProfileProblem } from './errors.ts';
import { nearestNames } from './nearest-name.ts';
import { PROFILE_FILE } from './schema.ts';

export type Path = readonly (string | number)[];
/** Makes a problem of a path and a message: finds the line. */
export type Locate = (path: Path, message: string) => ProfileProblem;

export interface ParsedProfile {
  /** Absent when the text does not have the shape of a profile. */
  readonly profile: MeterProfile | undefined;
  readonly problems: readonly ProfileProblem[];
  readonly locate: Locate;
}

/** YAML text to a profile of the right shape. Never throws: what is wrong is in `problems`. */
export function parseProfile(text: string): ParsedProfile {
  return parseBuilt(text) ?? parseYaml(text);
}

/**
 * The build writes profiles as JSON, which is YAML too: at start, reading them as YAML took longer than all else together
 * (docs/performance.md). Undefined unless the text is exactly what JSON.stringify writes, so that nothing YAML would
 * refuse (a key given twice) goes this way, and unless it has the shape: YAML then says what is wrong, and in which line.
 */
function parseBuilt(text: string): ParsedProfile | undefined {
  if (!text.startsWith('{')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(PROFILE_FILE, value);
  if (!parsed.success || JSON.stringify(value) !== text.trimEnd()) return undefined;
  const locate: Locate = (path, message) => parseYaml(text).locate(path, message);
  return { profile: parsed.output, problems: [], locate };
}

function parseYaml(text: string): ParsedProfile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const locate = locator(document, lines);
  const syntax = document.errors.map(({ pos, message, code }) => ({
    line: lines.linePos(pos[0]).line,
    path: '',
    message: message.split('\n')[0] ?? code,
  }));
  if (syntax.length > 0) return { profile: undefined, problems: syntax, locate };
  let value: unknown;
  try {
    // Aliases can be nested without end, and a register map gains nothing from them.
    value = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    return { profile: undefined, problems: [locate([], String(error))], locate };
  }
  const parsed = v.safeParse(PROFILE_FILE, value);
  if (parsed.success) return { profile: parsed.output, problems: [], locate };
  return { profile: undefined, problems: parsed.issues.map((issue) => problemOf(issue, locate)), locate };
}

function problemOf(issue: v.BaseIssue<unknown>, locate: Locate): ProfileProblem {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = knownKeys(path.slice(0, -1));
    const [near] = nearestNames(String(path.at(-1)), known);
    return locate(
      path,
      `unknown key; ${near ? `did you mean "${near}"?` : `known keys: ${known.join(', ')}`}`,
    );
  }
  if (issue.received === 'undefined') return locate(path, 'is missing');
  if (issue.kind === 'schema' && !issue.message.startsWith('must')) {
    return locate(path, `must be ${issue.expected ?? 'something else'}, not ${issue.received}`);
  }
  return locate(path, issue.message);
}

interface SchemaParts {
  readonly type?: string;
  readonly wrapped?: SchemaParts;
  readonly pipe?: readonly SchemaParts[];
  readonly entries?: Readonly<Record<string, SchemaParts>>;
  readonly item?: SchemaParts;
}

function knownKeys(path: Path): string[] {
  const bare = (schema: SchemaParts | undefined): SchemaParts | undefined => {
    const inner = schema?.wrapped ?? schema?.pipe?.[0];
    return inner === undefined || inner === schema ? schema : bare(inner);
  };
  const schema = path.reduce(
    (at, part) => bare(typeof part === 'number' ? at?.item : at?.entries?.[part]),
    bare(PROFILE_FILE as unknown as SchemaParts),
  );
  return Object.keys(schema?.entries ?? {});
}

/** Finds a path in the text: its key, or the nearest thing above it that exists. */
function locator(document: Document.Parsed, lines: LineCounter): Locate {
  return (path, message) => {
    const name = path
      .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
      .join('');
    for (let depth = path.length; depth >= 0; depth--) {
      const start = nodeAt(document, path.slice(0, depth))?.range?.[0];
      if (start !== undefined) return { line: lines.linePos(start).line, path: name, message };
    }
    return { line: 1, path: name, message };
  };
}

function nodeAt(document: Document.Parsed, path: Path): Node | undefined {
  const last = path.at(-1);
  const parent = path.length <= 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  if (typeof last === 'string' && isMap(parent)) {
    const key = parent.items.map((item) => item.key).find((item) => isScalar(item) && item.value === last);
    return isScalar(key) ? key : undefined;
  }
  const node = document.getIn(path, true);
  return isNode(node) ? node : undefined;
}
