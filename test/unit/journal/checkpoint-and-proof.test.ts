import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identityFromSeed } from '../../../src/identity/index.ts';
import {
  formatSignedNote,
  formatTlogProof,
  parseTlogProof,
  signCheckpoint,
} from '../../../src/journal/index.ts';
import {
  signNoteText,
  parseSignedNote,
  verifyCheckpoint,
  parseVerifierKey,
} from '../../../src/journal/index.ts';
import { ORIGIN, SIGNER } from '../../support/journal/journal-fixture.ts';

const code = (name: string) => expect.objectContaining({ code: `journal.${name}` }) as Error;
const root = new Uint8Array(32).fill(9);
const log = { origin: ORIGIN, publicKey: SIGNER.publicKey };
const checkpoint = signCheckpoint({ origin: ORIGIN, size: 42, root }, SIGNER);

describe('a checkpoint', () => {
  it('verifies with the key that `key show` prints, and says what was signed', () => {
    const { keyName, publicKey } = parseVerifierKey(SIGNER.verifierKey(ORIGIN));
    const { size, root: read } = verifyCheckpoint(checkpoint, { origin: keyName, publicKey });
    expect({ size, read }).toEqual({ size: 42, read: root });
  });

  it('still verifies when witnesses have signed it too', () => {
    const witness = identityFromSeed(new Uint8Array(32).fill(1));
    const note = parseSignedNote(checkpoint);
    const line = signNoteText(note.text, {
      keyName: 'witness.example',
      publicKey: witness.publicKey,
      sign: (message) => witness.sign(message),
    });
    const cosignature = {
      keyName: 'other.example',
      keyId: new Uint8Array(4),
      signature: new Uint8Array(72).fill(4),
    };
    const cosigned = formatSignedNote({
      text: note.text,
      signatures: [line, ...note.signatures, cosignature],
    });
    expect(verifyCheckpoint(cosigned, log).size).toBe(42);
  });

  it('is refused when one character of it is another', () => {
    fc.assert(
      fc.property(fc.nat(checkpoint.length - 1), fc.constantFrom(...'0aZ/ \n'), (at, character) => {
        const changed = checkpoint.slice(0, at) + character + checkpoint.slice(at + 1);
        if (changed === checkpoint) return;
        expect(() => verifyCheckpoint(changed, log)).toThrow(
          expect.objectContaining({ code: expect.stringMatching(/^journal\.(note|checkpoint)_/) as string }),
        );
      }),
      { numRuns: 300 },
    );
  });

  it('of another log is refused although the key is right', () => {
    const other = signCheckpoint({ origin: 'delmonicos/other', size: 42, root }, SIGNER);
    expect(() => verifyCheckpoint(other, log)).toThrow(code('checkpoint_wrong_origin'));
  });

  it('signed by another key under our name is refused', () => {
    const other = signCheckpoint({ origin: ORIGIN, size: 42, root }, SIGNER.chainAccount);
    expect(() => verifyCheckpoint(other, log)).toThrow(code('note_unsigned'));
  });
});

describe('a tlog-proof', () => {
  const hash = fc.uint8Array({ minLength: 32, maxLength: 32 });

  it('is read back as it was written', () => {
    fc.assert(
      fc.property(
        fc.maxSafeNat(),
        fc.array(hash, { maxLength: 53 }),
        fc.option(fc.uint8Array(), { nil: undefined }),
        (index, inclusionProof, extra) => {
          const proof = { index, inclusionProof, checkpoint, ...(extra === undefined ? {} : { extra }) };
          expect(parseTlogProof(formatTlogProof(proof))).toEqual(proof);
        },
      ),
    );
  });

  it('has the lines of the specification', () => {
    const lines = formatTlogProof({
      index: 7,
      inclusionProof: [root],
      checkpoint,
      extra: Buffer.from('x'),
    }).split('\n');
    expect(lines.slice(0, 6)).toEqual([
      'c2sp.org/tlog-proof@v1',
      'extra eA==',
      'index 7',
      Buffer.from(root).toString('base64'),
      '',
      ORIGIN,
    ]);
  });

  it.each([
    ['another first line', 'tlog-proof@v1', 'tlog-proof@v2'],
    ['no index', 'index 7\n', ''],
    ['an index with a leading zero', 'index 7', 'index 07'],
    ['an index that is no number', 'index 7', 'index -7'],
    ['a hash of another length', '\nCQkJ', '\nCQkJCQkJ'],
    ['extra data that are no base64', 'index 7', 'extra !\nindex 7'],
    ['no empty line', '\n\n', '\n'],
  ])('is refused with %s', (_what, from, to) => {
    const text = formatTlogProof({ index: 7, inclusionProof: [root], checkpoint });
    const changed = from === '\n\n' ? text.replaceAll(from, to) : text.replace(from, to);
    expect(changed).not.toBe(text);
    expect(() => parseTlogProof(changed)).toThrow(code('proof_malformed'));
  });
});
