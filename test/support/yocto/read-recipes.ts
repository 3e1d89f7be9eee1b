import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';

export const LAYER = path.resolve(import.meta.dirname, '../../../yocto/meta-delmonicos');
export const RELEASES = ['scarthgap', 'wrynose'] as const;
export const MACHINES = ['qemux86-64', 'qemuarm64', 'qemuarm'] as const;

export interface RecipeFunction {
  readonly kind: 'shell' | 'python' | 'def' | 'task';
  readonly body: string;
  readonly where: string;
  /** Shell functions only: with BitBake's variables put in. */
  readonly expanded?: string;
}

export interface Recipe {
  readonly variables: Readonly<Record<string, string | null>>;
  readonly flags: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly functions: Readonly<Record<string, readonly RecipeFunction[]>>;
  readonly inherits: readonly string[];
  /** Variables that are used and never set, and files that are required and are not there. */
  readonly unknown: readonly string[];
}

/** Why recipes cannot be read on this machine; undefined: they can. */
export function whyNoPython(): string | undefined {
  const { status } = spawnSync('python3', ['-c', 'pass'], { stdio: 'ignore' });
  return status === 0 ? undefined : 'python3 is not installed, and recipes are half Python';
}

/** Files of the layer with one of the endings, by path. */
export function layerFiles(...endings: readonly string[]): string[] {
  return readdirSync(LAYER, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && endings.some((ending) => entry.name.endsWith(ending)))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** `RELEASE:MACHINE`, for a machine that is in bitbake.py. */
export type View = `${(typeof RELEASES)[number]}:${string}`;

/**
 * As BitBake of those releases would see them for those machines: by view, then by file name. Throws with file and line for
 * what is no recipe syntax.
 */
export function readRecipes(views: readonly View[]): Map<View, Map<string, Recipe>> {
  const files = layerFiles('.bb', '.bbappend');
  const printed = execFileSync(
    'python3',
    [path.join(import.meta.dirname, 'bitbake.py'), views.join(','), ...files],
    { encoding: 'utf8', maxBuffer: 64 << 20, env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' } },
  );
  const seen = JSON.parse(printed) as Record<View, Record<string, Recipe>>;
  return new Map(
    views.map((view) => [
      view,
      new Map(files.map((file) => [path.basename(file), seen[view]?.[file] as Recipe])),
    ]),
  );
}
