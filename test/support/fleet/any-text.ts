import fc from 'fast-check';

const codePoint = fc.oneof(
  fc.nat(0x9f),
  fc.integer({ min: 0x200b, max: 0x206f }),
  fc.integer({ min: 0x2e80, max: 0xd7ff }),
  fc.nat(0x10ffff),
);

/** Any text at all, lone halves of characters too; rich in controls. Quicker to make than fast-check's own of this kind. */
export const anyText = (maxLength = 20): fc.Arbitrary<string> =>
  fc.array(codePoint, { maxLength }).map((points) => String.fromCodePoint(...points));
