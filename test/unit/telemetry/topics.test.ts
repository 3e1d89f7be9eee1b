import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeLevel,
  encodeLevel,
  sampleTopic,
  stateTopic,
  type StateTopic,
  stationPrefix,
  statusTopic,
} from '../../../src/telemetry/index.ts';

const NAME = fc.string({ unit: 'binary', minLength: 1 });

describe('a topic', () => {
  it('stands below the versioned root and the name of its station', () => {
    const prefix = stationPrefix('DE-ACME-0001');
    expect(statusTopic(prefix)).toBe('delmonicos/v1/DE-ACME-0001/status');
    expect(sampleTopic(prefix, 'evse1')).toBe('delmonicos/v1/DE-ACME-0001/meters/evse1/sample');
    expect(stateTopic(prefix, 'journal')).toBe('delmonicos/v1/DE-ACME-0001/journal');
    expect(stateTopic(prefix, 'meters/evse1/status')).toBe('delmonicos/v1/DE-ACME-0001/meters/evse1/status');
  });

  it('takes no level, no wildcard and no NUL from a name', () => {
    fc.assert(
      fc.property(NAME, (name) => {
        const level = encodeLevel(name);
        expect(level).toMatch(/^[A-Za-z0-9\-._~%]+$/);
        expect(decodeLevel(level)).toBe(name);
        expect(sampleTopic('p', name).split('/')).toHaveLength(4);
        expect(stateTopic('p', `meters/${name}/status`).split('/')).toHaveLength(4);
      }),
    );
  });

  it('of two different names is never the same', () => {
    fc.assert(
      fc.property(NAME, NAME, (a, b) => {
        expect(encodeLevel(a) === encodeLevel(b)).toBe(a === b);
      }),
    );
  });

  it('is refused outside of the contract', () => {
    for (const topic of ['status', 'meters//status', 'meters/a/sample', 'journal/x', '#', '']) {
      expect(() => stateTopic('p', topic as StateTopic), topic).toThrow(RangeError);
    }
    expect(() => encodeLevel('\ud800')).toThrow(RangeError);
    expect(() => encodeLevel('')).toThrow(RangeError);
  });
});
