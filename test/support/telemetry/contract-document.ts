import { toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { COMMANDS } from '../../../src/remote/index.ts';
import { SCHEMAS } from '../../../src/remote/command-parameters.ts';
import { asyncApiDocument } from '../../../src/telemetry/contract/schemas/index.ts';
import { DEFAULT_LIMITS, LISTENED, TOPIC_ROOT, TOPICS } from '../../../src/telemetry/index.ts';

/** JSON Schema as AsyncAPI 3.0 has it unless told: draft 07. What only code can check is told in words. */
export function jsonSchemaOf(schema: v.GenericSchema): object {
  const json = toJsonSchema(schema, { target: 'draft-07', ignoreActions: ['check'] });
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== '$schema'));
}

/** The contract of the code as an AsyncAPI document. */
export function contractOfTheCode(): object {
  const commands = Object.entries(COMMANDS).map(([name, may]) => {
    return [name, { may, parameters: SCHEMAS[name as keyof typeof SCHEMAS] }] as const;
  });
  return asyncApiDocument({
    ...{ root: TOPIC_ROOT, topics: TOPICS, listened: LISTENED, limits: DEFAULT_LIMITS, jsonSchemaOf },
    commands: Object.fromEntries(commands),
  });
}
