import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { LISTENED, TOPICS, type TopicRule } from '../../../src/telemetry/index.ts';

const PAGE = readFileSync(new URL('../../../docs/broker.md', import.meta.url), 'utf8');

/** Topics of the stations in the access list, below their prefix. */
const granted = (right: 'read' | 'write'): string[] =>
  [...PAGE.matchAll(new RegExp(`^pattern ${right} delmonicos/v1/%u/(.+)$`, 'gm'))].map(
    ([, topic = '']) => topic,
  );

describe('the access list of docs/broker.md', () => {
  it('lets a station publish exactly what the contract has', () => {
    const published = Object.values<TopicRule>(TOPICS).map(({ pattern }) =>
      pattern.replaceAll(/<[^>]+>/g, '+'),
    );
    expect(granted('write').sort()).toEqual(published.sort());
  });

  it('lets it hear exactly what it listens to', () => {
    const heard = Object.values(LISTENED).map(({ topic }) => topic);
    expect(granted('read').sort()).toEqual([...heard].sort());
  });
});
