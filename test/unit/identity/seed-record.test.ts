import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IdentityError } from '../../../src/identity/index.ts';
import { decodeSeedRecord, encodeSeedRecord, type SealedSeed } from '../../../src/identity/seed-record.ts';

const bytes = (least: number, most: number) => fc.uint8Array({ minLength: least, maxLength: most });
const name = fc.string({ minLength: 1, maxLength: 32 });
const record: fc.Arbitrary<SealedSeed> = fc.oneof(
  fc.record({ kind: fc.constant('file' as const), seed: bytes(32, 32) }),
  fc.record({
    kind: fc.constant('tpm' as const),
    publicArea: bytes(1, 200),
    privateArea: bytes(1, 300),
    pcrs: fc.option(fc.constantFrom('sha256:0,7', 'sha1:4')),
  }),
  fc.record({ kind: fc.constant('pkcs11' as const), module: name, token: name, object: name }),
);

describe('what root.seed holds', () => {
  it('is read back as it was written, whatever kind it is', () => {
    fc.assert(
      fc.property(record, (sealed) => {
        expect(decodeSeedRecord(encodeSeedRecord(sealed), 'root.seed')).toEqual(sealed);
      }),
    );
  });

  it('is a seed, a record of this version, or refused: nothing else happens, whatever the bytes are', () => {
    const almost = fc.tuple(record, fc.nat(), fc.nat(255)).map(([sealed, at, byte]) => {
      const content = Uint8Array.from(encodeSeedRecord(sealed));
      content[at % content.length] = byte;
      return content;
    });
    fc.assert(
      fc.property(fc.oneof(bytes(0, 100), almost), (content) => {
        try {
          const { kind } = decodeSeedRecord(content, 'root.seed');
          expect(kind === 'file').toBe(content.length === 32);
        } catch (error) {
          expect(error).toBeInstanceOf(IdentityError);
          expect(error).toMatchObject({ code: 'identity.seed_invalid' });
          // What is refused may be a seed with a byte too many: it must not be quoted.
          if (content.length >= 8) {
            const { message, details } = error as IdentityError;
            expect(`${message} ${JSON.stringify(details)}`).not.toContain(
              Buffer.from(content).toString('hex'),
            );
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});
