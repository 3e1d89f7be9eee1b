import * as v from 'valibot';
import { isMap, isNode, isScalar, LineCounter, parseDocument, type Document, type Node } from 'yaml';
import { nearestNames } from './nearest-names.ts';

export type Path = readonly (string | number)[];

/** One thing that is wrong with a document, and where. Lines and columns count from 1. */
export interface Problem {
  readonly line: number;
  readonly column: number;
  /** Where it is, such as `points[3].unit`; empty for the whole document. */
  readonly path: string;
  readonly message: string;
}

/** Makes a problem of a path and a message: finds the key, or the nearest thing above it that exists. */
export type Locate = (path: Path, message: string) => Problem;

export interface StrictYaml<Value> {
  /** Absent when the text does not have the shape. */
  readonly value: Value | undefined;
  /** In the order of the text. */
  readonly problems: readonly Problem[];
  /** For what a caller finds wrong beyond the shape. */
  readonly locate: Locate;
}

/**
 * YAML 1.2 text held against a schema of strict objects. Never throws: what is wrong is in `problems`, an unknown key with
 * the nearest known one. Aliases are refused: they can be nested without end, and neither a configuration nor a register
 * map gains anything from them.
 */
export function parseStrictYaml<Schema extends v.GenericSchema>(
  text: string,
  schema: Schema,
): StrictYaml<v.InferOutput<Schema>> {
  return parseBuilt(text, schema) ?? parseYaml(text, schema);
}

/**
 * The build writes meter profiles as JSON, which is YAML too: to read them as YAML took longer than all else at a start
 * together, and left 8 MB of heap behind (docs/performance.md). Undefined unless the text is exactly what JSON.stringify
 * writes, so that nothing YAML would refuse (a key given twice) goes this way, and unless it has the shape: YAML then says
 * what is wrong and in which line.
 */
function parseBuilt<Schema extends v.GenericSchema>(
  text: string,
  schema: Schema,
): StrictYaml<v.InferOutput<Schema>> | undefined {
  if (!text.startsWith('{')) return undefined;
  let plain: unknown;
  try {
    plain = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (JSON.stringify(plain) !== text.trimEnd()) return undefined;
  const parsed = v.safeParse(schema, plain);
  if (!parsed.success) return undefined;
  const locate: Locate = (path, message) => parseYaml(text, schema).locate(path, message);
  return { value: parsed.output, problems: [], locate };
}

function parseYaml<Schema extends v.GenericSchema>(
  text: string,
  schema: Schema,
): StrictYaml<v.InferOutput<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, strict: true, uniqueKeys: true });
  const locate = locator(document, lines);
  const refused = (problems: readonly Problem[]) => ({
    value: undefined,
    problems: [...problems].sort((a, b) => a.line - b.line || a.column - b.column),
    locate,
  });
  if (document.errors.length > 0) {
    return refused(
      document.errors.map(({ pos, message, code }) => {
        const { line, col } = lines.linePos(pos[0]);
        return { line, column: col, path: '', message: message.split('\n')[0] ?? code };
      }),
    );
  }
  let plain: unknown;
  try {
    plain = document.toJS({ maxAliasCount: 0 }) ?? {};
  } catch (error) {
    return refused([locate([], (error as Error).message)]);
  }
  const parsed = v.safeParse(schema, plain);
  if (parsed.success) return { value: parsed.output, problems: [], locate };
  return refused(parsed.issues.map((issue) => problemOf(issue, schema, locate)));
}

function problemOf(issue: v.BaseIssue<unknown>, schema: v.GenericSchema, locate: Locate): Problem {
  const path = (issue.path ?? []).map(({ key }) => key as string | number);
  if (issue.type === 'strict_object' && issue.expected === 'never') {
    const known = knownKeys(schema, path.slice(0, -1));
    const [near] = nearestNames(String(path.at(-1)), known);
    const advice = near === undefined ? `known keys: ${known.join(', ')}` : `did you mean "${near}"?`;
    return locate(path, `unknown key; ${advice}`);
  }
  if (issue.received === 'undefined') return locate(path, 'is missing');
  if (issue.kind === 'schema' && !issue.message.startsWith('must')) {
    return locate(path, `must be ${issue.expected ?? 'something else'}, not ${issue.received}`);
  }
  return locate(path, issue.message);
}

interface SchemaParts {
  readonly wrapped?: SchemaParts;
  readonly pipe?: readonly SchemaParts[];
  readonly entries?: Readonly<Record<string, SchemaParts>>;
  readonly item?: SchemaParts;
}

function knownKeys(schema: v.GenericSchema, path: Path): string[] {
  const bare = (part: SchemaParts | undefined): SchemaParts | undefined => {
    const inner = part?.wrapped ?? part?.pipe?.[0];
    return inner === undefined || inner === part ? part : bare(inner);
  };
  const found = path.reduce(
    (at, part) => bare(typeof part === 'number' ? at?.item : at?.entries?.[part]),
    bare(schema as unknown as SchemaParts),
  );
  return Object.keys(found?.entries ?? {});
}

function locator(document: Document.Parsed, lines: LineCounter): Locate {
  return (path, message) => {
    const name = path
      .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
      .join('');
    for (let depth = path.length; depth >= 0; depth--) {
      const start = nodeAt(document, path.slice(0, depth))?.range?.[0];
      if (start === undefined) continue;
      const { line, col } = lines.linePos(start);
      return { line, column: col, path: name, message };
    }
    return { line: 1, column: 1, path: name, message };
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
