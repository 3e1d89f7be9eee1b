import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopicAliases } from '../../../src/telemetry/session/topic-aliases.ts';

describe('topic aliases', () => {
  it('are introduced once each, from 1 on, as many as the broker takes, and never given to another topic', () => {
    fc.assert(
      fc.property(fc.nat({ max: 12 }), fc.array(fc.nat({ max: 20 })), (maximum, topics) => {
        const aliases = new TopicAliases(maximum);
        const introduced = topics.flatMap((topic) => aliases.introduce(`t${topic}`) ?? []);
        const most = Math.min(maximum, new Set(topics).size);
        expect(introduced).toEqual(Array.from({ length: most }, (_, index) => index + 1));
      }),
    );
  });
});
