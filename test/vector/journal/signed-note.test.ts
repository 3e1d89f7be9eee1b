// Notes of other people: golang.org/x/mod/sumdb/note (BSD-3-Clause) and the examples of C2SP signed-note and
// tlog-checkpoint (CC-BY-4.0).
import { describe, expect, it } from 'vitest';
import {
  formatSignedNote,
  formatVerifierKey,
  parseCheckpoint,
  parseSignedNote,
  parseVerifierKey,
  verifyNote,
} from '../../../src/journal/index.ts';

const PETER_KEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const ENOCH_KEY = 'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop';
const SUM_KEY = 'sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8';
const TEXT = `If you think cryptography is the answer to your problem,
then you don't know what your problem is.
`;
const PETER = `— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`;
const ENOCH = `— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=
`;
const NOTE = `${TEXT}\n${PETER}${ENOCH}`;

const peter = parseVerifierKey(PETER_KEY);
const enoch = parseVerifierKey(ENOCH_KEY);
const sum = parseVerifierKey(SUM_KEY);

describe('signed notes of others', () => {
  it('are read and written byte for byte', () => {
    expect(parseSignedNote(NOTE).text).toBe(TEXT);
    expect(formatSignedNote(parseSignedNote(NOTE))).toBe(NOTE);
    for (const key of [PETER_KEY, ENOCH_KEY, SUM_KEY])
      expect(formatVerifierKey(parseVerifierKey(key))).toBe(key);
  });

  it('verify with each of their keys, and other signers are ignored', () => {
    expect(verifyNote(parseSignedNote(NOTE), [peter])).toEqual([peter]);
    expect(verifyNote(parseSignedNote(NOTE), [sum, enoch])).toEqual([enoch]);
    expect(verifyNote(parseSignedNote(NOTE), [peter, enoch])).toEqual([peter, enoch]);
  });

  it('are refused when no known key signed, or when one of them signed something else', () => {
    expect(() => verifyNote(parseSignedNote(NOTE), [sum])).toThrow(
      expect.objectContaining({ code: 'journal.note_unsigned' }),
    );
    const changed = NOTE.replace('answer', 'problem');
    expect(() => verifyNote(parseSignedNote(changed), [peter])).toThrow(
      expect.objectContaining({ code: 'journal.note_bad_signature' }),
    );
  });

  it.each([
    ['no signatures', TEXT],
    ['no newline at the end', NOTE.slice(0, -1)],
    ['a tab in the text', `a\tb\n\n${PETER}`],
    ['a hyphen instead of the em dash', NOTE.replaceAll('—', '-')],
    ['a plus in the key name', NOTE.replace('— Peter', '— Peter+')],
    ['base64 that is not canonical', NOTE.replace('JnAM=', 'JnAN=')],
    ['a signature shorter than its key id', `${TEXT}\n— PeterNeumann x08go===\n`],
    ['65 signatures', `${TEXT}\n${PETER.repeat(65)}`],
  ])('are refused with %s', (_what, note) => {
    expect(() => parseSignedNote(note)).toThrow(expect.objectContaining({ code: 'journal.note_malformed' }));
  });

  it('have 64 signatures at most, more than the 16 that must be accepted', () => {
    expect(parseSignedNote(`${TEXT}\n${PETER.repeat(64)}`).signatures).toHaveLength(64);
  });

  it.each([
    ['a key id of another key', PETER_KEY.replace('c74f20a3', 'af0cfe78')],
    ['another signature type', `PeterNeumann+c74f20a3+${Buffer.alloc(33, 4).toString('base64')}`],
    ['no name', PETER_KEY.replace('PeterNeumann', '')],
  ])('have verifier keys that are refused with %s', (_what, key) => {
    expect(() => parseVerifierKey(key)).toThrow(expect.objectContaining({ code: 'journal.note_malformed' }));
  });
});

describe('the checkpoint of the C2SP specification', () => {
  const CHECKPOINT = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
`;
  it('is read', () => {
    expect(parseCheckpoint(CHECKPOINT)).toMatchObject({
      origin: 'example.com/behind-the-sofa',
      size: 20_852_163,
      extensions: [],
    });
  });

  it.each([
    ['a leading zero', '\n20852163\n', '\n020852163\n'],
    ['a sign', '\n20852163\n', '\n+20852163\n'],
    ['a size that is no exact number', '\n20852163\n', '\n9007199254740993\n'],
    [
      'a root of another length',
      'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=',
      'CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jx',
    ],
    ['no origin', 'example.com/behind-the-sofa\n2', '\n2'],
    ['an empty extension line', 'q2I=\n', 'q2I=\n\nmore\n'],
  ])('is refused with %s', (_what, from, to) => {
    expect(() => parseCheckpoint(CHECKPOINT.replace(from, to))).toThrow(
      expect.objectContaining({ code: 'journal.checkpoint_malformed' }),
    );
  });
});
