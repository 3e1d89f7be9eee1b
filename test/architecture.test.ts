import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ROOMS, whyForbidden } from './architecture/rooms.js';

const ROOT = path.resolve(import.meta.dirname, '..');
const IMPORT =
  /(?:^|\n)\s*(?:import|export)\b(?:[^'";]*?\bfrom)?\s*['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g;

/** Files whose imports reach, at any distance, something that the room itself may not have. */
const PURE_ROOMS = ['hal/contract'];

function sources(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => path.posix.join(folder, file));
}

interface Import {
  readonly specifier: string;
  readonly target: { readonly file?: string; readonly library?: string };
  readonly kind: 'at once' | 'later' | 'types only';
}

function importsOf(file: string): Import[] {
  const text = readFileSync(path.join(ROOT, file), 'utf8');
  return [...text.matchAll(IMPORT)].map((match) => {
    const specifier = match[1] ?? match[2] ?? '';
    const isTypes = /^\s*(?:import|export) type\b/.test(match[0]);
    return {
      specifier,
      kind: match[2] !== undefined ? 'later' : isTypes ? 'types only' : 'at once',
      target: specifier.startsWith('.')
        ? { file: path.relative(ROOT, path.resolve(ROOT, path.dirname(file), specifier)) }
        : { library: specifier },
    };
  });
}

describe('the house', () => {
  const files = [...sources('src'), ...sources('hal')];

  it('has source files to look at', () => {
    expect(files.length).toBeGreaterThan(10);
  });

  it('lets imports point one way only, from room to room through the face', () => {
    const found = files.flatMap((file) =>
      importsOf(file).flatMap(({ specifier, target }) => {
        const why = whyForbidden(file, target);
        return why === undefined ? [] : [`${file}: import '${specifier}': ${why}`];
      }),
    );
    expect(found).toEqual([]);
  });

  it('has no cycle between rooms', () => {
    const reach = (room: string, seen: string[]): void => {
      expect(seen, `cycle: ${[...seen, room].join(' -> ')}`).not.toContain(room);
      for (const used of ROOMS.find(({ path: p }) => p === room)?.uses ?? []) reach(used, [...seen, room]);
    };
    for (const { path: room } of ROOMS) reach(room, []);
  });

  it.each(PURE_ROOMS)(
    'keeps %s free of libraries and node modules, however far its imports are followed',
    (room) => {
      const seen = new Set<string>();
      const visit = (file: string): void => {
        if (seen.has(file)) return;
        seen.add(file);
        for (const { target } of importsOf(file)) {
          expect(target.library, `${file} imports ${target.library ?? ''}`).toBeUndefined();
          if (target.file !== undefined) visit(target.file);
        }
      };
      sources(room).forEach(visit);
    },
  );

  it("loads nothing of the operator's side for the service", () => {
    const loaded = new Set<string>();
    const visit = (file: string, later: boolean): void => {
      const key = `${file} ${String(later)}`;
      if (loaded.has(key) || !file.endsWith('.ts')) return;
      loaded.add(key);
      expect(file, 'is loaded by `delmonicos run`').not.toMatch(/^src\/fleet\//);
      for (const { target, kind } of importsOf(file))
        if (target.file !== undefined && (kind === 'at once' || (later && kind === 'later')))
          visit(target.file, later);
    };
    // Every command line is registered; what one loads when it runs is that command's own.
    visit('src/main.ts', false);
    visit('src/cli/run-command.ts', true);
    expect([...loaded]).toContain('src/telemetry/index.ts true');
    expect([...loaded]).toContain('src/cli/ask/ask-command.ts false');
  });

  it('keeps the demo, the dev network and the simulator out of the product', () => {
    const product = new Set<string>();
    const visit = (file: string): void => {
      if (product.has(file) || !file.endsWith('.ts')) return;
      product.add(file);
      for (const { target } of importsOf(file)) if (target.file !== undefined) visit(target.file);
    };
    visit('src/main.ts');
    const strangers = [...product].filter((file) => /^(test|hal\/simulator)\//.test(file));
    expect(strangers).toEqual([]);
  });

  it('gives every room a README of at most 20 lines, once it has a face', () => {
    const rooms = new Set(files.filter((f) => f.endsWith('/index.ts')).map((f) => path.dirname(f)));
    const wrong = [...rooms].filter((room) => {
      try {
        return (
          readFileSync(path.join(ROOT, room, 'README.md'), 'utf8')
            .trimEnd()
            .split('\n').length > 20
        );
      } catch {
        return true;
      }
    });
    expect(wrong).toEqual([]);
  });
});
