import path from 'node:path';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';
import { whyForbidden } from './test/architecture/rooms.js';

const ROOT = import.meta.dirname;

/** Imports follow the house's direction (test/architecture/rooms.js). */
const importDirection = {
  meta: { type: /** @type {const} */ ('problem'), schema: [], messages: { forbidden: '{{why}}' } },
  create(/** @type {import('eslint').Rule.RuleContext} */ context) {
    const from = path.relative(ROOT, context.filename);
    const check = (/** @type {import('estree').Node & { source?: import('estree').Node | null }} */ node) => {
      const specifier = node.source?.type === 'Literal' ? node.source.value : undefined;
      if (typeof specifier !== 'string') return;
      const to = specifier.startsWith('.')
        ? { file: path.relative(ROOT, path.resolve(path.dirname(context.filename), specifier)) }
        : { library: specifier };
      const why = whyForbidden(from, to);
      if (why !== undefined) context.report({ node, messageId: 'forbidden', data: { why } });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

export default defineConfig(
  { ignores: ['dist/', 'dist-*/', 'node_modules/', 'coverage/'] },
  ...tseslint.configs.recommendedTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: ROOT } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    plugins: { house: { rules: { 'import-direction': importDirection } } },
    rules: {
      'house/import-direction': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      '@typescript-eslint/restrict-template-expressions': 'off',
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Export by name, so that a name means one thing.' },
      ],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['*.config.js', '*.config.ts'],
    rules: { 'no-restricted-syntax': 'off', 'no-console': 'off' },
  },
  {
    files: ['src/**/*.ts', 'hal/**/*.ts'],
    rules: {
      'no-restricted-properties': [
        'error',
        { object: 'Math', property: 'random', message: 'Randomness comes through a port.' },
      ],
    },
  },
  { files: ['build/**', 'test/demo/**', 'test/devnet/**', 'test/bench/**'], rules: { 'no-console': 'off' } },
);
