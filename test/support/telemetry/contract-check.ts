import * as v from 'valibot';
import { PUBLISHED } from '../../../src/telemetry/contract/schemas/index.ts';
import { LISTENED, TOPIC_ROOT, TOPICS } from '../../../src/telemetry/index.ts';

/** By which key of `TOPICS` a topic below `delmonicos/v1/` is; undefined: it is in no contract. */
export function topicKey(topic: string): keyof typeof TOPICS | undefined {
  return (Object.keys(TOPICS) as (keyof typeof TOPICS)[]).find((key) => {
    const levels = TOPICS[key].pattern.split('/').map((level) => (level.startsWith('<') ? '[^/]+' : level));
    return new RegExp(`^${TOPIC_ROOT}/[^/]+/${levels.join('/')}$`).test(topic);
  });
}

/** What is wrong with a document; empty: nothing. Also a key that its schema does not have is wrong: the contract would not tell of it. */
export function problemsOf(schema: v.GenericSchema, document: unknown): readonly string[] {
  const result = v.safeParse(schema, document);
  if (!result.success)
    return result.issues.map((issue) => `${v.getDotPath(issue) ?? 'document'}: ${issue.message}`);
  return unknownKeys(document, result.output, '');
}

function unknownKeys(given: unknown, known: unknown, where: string): readonly string[] {
  if (typeof given !== 'object' || given === null || typeof known !== 'object' || known === null) return [];
  return Object.entries(given).flatMap(([key, value]) =>
    key in known
      ? unknownKeys(value, (known as Record<string, unknown>)[key], `${where}${key}.`)
      : [`${where}${key}: not in the schema`],
  );
}

/** What is wrong with messages that a station has published, by topic. */
export function problemsOfMessages(
  messages: readonly { readonly topic: string; readonly payload: string; readonly retain?: boolean }[],
): readonly string[] {
  const heard = Object.values(LISTENED).map((listener) => `/${listener.topic}`);
  return messages.flatMap(({ topic, payload }) => {
    // What others send it, on topics that it listens to.
    if (heard.some((listened) => topic.endsWith(listened))) return [];
    const key = topicKey(topic);
    if (key === undefined) return [`${topic}: not in the contract`];
    const published = PUBLISHED[key];
    if (!('schema' in published)) return [];
    return problemsOf(published.schema, JSON.parse(payload)).map((problem) => `${topic}: ${problem}`);
  });
}
