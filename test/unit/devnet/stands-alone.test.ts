import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('../../devnet/', import.meta.url));

it('the dev network imports nothing of the rest of this repository', () => {
  const files = readdirSync(ROOT, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  );
  expect(files.length).toBeGreaterThan(40);
  const imports = files.flatMap((file) => {
    const text = readFileSync(path.join(ROOT, file), 'utf8');
    return [...text.matchAll(/(?:from|import\(|import|new URL\()\s*'(\.[^']+)'/g)].map(([, to = '']) => ({
      file,
      to: path.relative(ROOT, path.resolve(ROOT, path.dirname(file), to)),
    }));
  });
  expect(imports.length).toBeGreaterThan(files.length);
  expect(imports.filter(({ to }) => to.startsWith('..'))).toEqual([]);
});
