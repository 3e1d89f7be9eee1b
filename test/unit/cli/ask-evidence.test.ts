import { afterEach, describe, expect, it, vi } from 'vitest';
import { showProof } from '../../../src/cli/ask/ask-evidence.ts';
import type { Asking } from '../../../src/cli/ask/ask.ts';
import { formatTlogProof, signCheckpoint } from '../../../src/journal/index.ts';
import { TestOperator } from '../../support/remote/command-fixture.ts';

const STATION = new TestOperator('station');
const ORIGIN = 'station.example.com/log';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a proof that came through a broker', () => {
  it('is not shown where somebody added a signature line that would steer the terminal', async () => {
    for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, 'write').mockReturnValue(true);
    const checkpoint = signCheckpoint({ origin: ORIGIN, size: 1, root: new Uint8Array(32) }, STATION);
    const proof = (text: string): string =>
      formatTlogProof({ index: 0, inclusionProof: [], checkpoint: text });
    const asking = {
      ...{ station: 'S', isJson: true },
      believed: { publicKey: STATION.publicKey, origin: ORIGIN, isPinned: true },
    } as unknown as Asking;
    const show = (text: string): Promise<boolean> =>
      showProof({ proof: text }, { index: 0 }, { asking, output: undefined });
    expect(await show(proof(checkpoint))).toBe(true);
    // CSI of one character; of a key that nobody knows, so that the note verifies all the same.
    const added = `${checkpoint}\u2014 \u009b2J AAAAAAAA\n`;
    await expect(show(proof(added))).rejects.toMatchObject({ code: 'fleet.not_proved' });
  });
});
