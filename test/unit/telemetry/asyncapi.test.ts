import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import Ajv from 'ajv';
import { describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '../../../src/cli/index.ts';
import { HEARD, PUBLISHED } from '../../../src/telemetry/contract/schemas/index.ts';
import { LISTENED, TOPICS } from '../../../src/telemetry/index.ts';
import { contractOfTheCode } from '../../support/telemetry/contract-document.ts';
import { EXAMPLES, EXAMPLE_TOPICS } from '../../support/telemetry/telemetry-examples.ts';

const FILE = new URL('../../../docs/asyncapi.json', import.meta.url);
const OFFICIAL = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;

interface Contract {
  readonly channels: Readonly<Record<string, { readonly address: string; readonly parameters: object }>>;
  readonly operations: Readonly<Record<string, { readonly action: string }>>;
  readonly components: { readonly messages: Readonly<Record<string, { readonly payload: object }>> };
}

function validator(): (document: unknown) => readonly string[] {
  // The official schema brings its own draft 07; formats (uri, …) are not checked: none of them is ours.
  const ajv = new Ajv({ meta: false, validateSchema: false, unknownFormats: 'ignore', logger: false });
  const isValid = ajv.compile(OFFICIAL);
  return (document) =>
    isValid(document) === true
      ? []
      : (isValid.errors ?? []).map((error) => `${error.dataPath} ${error.message}`);
}

describe('docs/asyncapi.json', () => {
  it('is what the code says', () => {
    const generated = `${JSON.stringify(contractOfTheCode(), null, 2)}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(FILE, generated);
    expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(JSON.parse(generated));
  });

  it('is what `delmonicos telemetry contract` prints', async () => {
    const written: string[] = [];
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
      written.push(text.toString());
      return true;
    });
    try {
      expect(await runCommandLine(['node', 'delmonicos', 'telemetry', 'contract'])).toBe(0);
    } finally {
      write.mockRestore();
    }
    expect(JSON.parse(written.join(''))).toEqual(JSON.parse(readFileSync(FILE, 'utf8')));
  });

  it("satisfies AsyncAPI's own schema of version 3.0, which refuses what is none", () => {
    const problems = validator();
    const document = JSON.parse(readFileSync(FILE, 'utf8')) as Contract;
    expect(problems(document)).toEqual([]);
    const [name = ''] = Object.keys(document.operations);
    const broken = { ...document, operations: { ...document.operations, [name]: { action: 'publish' } } };
    expect(problems(broken)).not.toEqual([]);
  });

  it('has JSON Schemas that take the examples of docs/telemetry.md, and not a decimal as a number or a key of another kind', () => {
    const { components } = JSON.parse(readFileSync(FILE, 'utf8')) as Contract;
    const isValid = (key: string, document: unknown): boolean =>
      new Ajv().validate(components.messages[key]?.payload ?? false, document) === true;
    for (const [name, example] of Object.entries(EXAMPLES)) {
      const document = JSON.parse(JSON.stringify(example)) as object;
      const key = EXAMPLE_TOPICS[name] ?? '';
      expect([name, isValid(key, document)]).toEqual([name, true]);
      expect([name, isValid(key, { ...document, unknownYet: 1 })]).toEqual([name, true]);
      const [first = ''] = Object.keys(document);
      expect([name, isValid(key, { ...document, [first]: { odd: 1.5 } })]).toEqual([name, false]);
    }
    const sample = EXAMPLES['sample'] as { values: object[] };
    const values = sample.values.map((value) => ({ ...value, value: 1.5 }));
    expect(isValid('meterSample', { ...sample, values })).toBe(false);
  });

  it('has a channel for every topic that is published or listened to, and no other', () => {
    const { channels } = JSON.parse(readFileSync(FILE, 'utf8')) as Contract;
    const patterns = [
      ...Object.values(TOPICS).map(({ pattern }) => pattern),
      ...Object.values(LISTENED).map(({ topic }) => topic),
    ];
    const addresses = patterns.map(
      (pattern) => `delmonicos/v1/{station}/${pattern.replace(/<(\w+)>/g, '{$1}')}`,
    );
    expect(Object.values(channels).map(({ address }) => address)).toEqual(addresses);
    expect(Object.keys(channels)).toEqual([...Object.keys(PUBLISHED), ...Object.keys(HEARD)]);
    expect([Object.keys(TOPICS), Object.keys(LISTENED)]).toEqual([
      Object.keys(PUBLISHED),
      Object.keys(HEARD),
    ]);
    for (const { address, parameters } of Object.values(channels))
      expect(Object.keys(parameters)).toEqual([...address.matchAll(/\{(\w+)\}/g)].map(([, level]) => level));
  });
});
