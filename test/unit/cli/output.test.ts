import { describe, expect, it } from 'vitest';
import { jsonLine } from '../../../src/cli/output.ts';

describe('JSON on a terminal', () => {
  it('holds nothing that could steer it, and says the same to a program', () => {
    // CSI of one character, DEL, right-to-left override, line separator, a tag character beyond the first plane.
    const document = { text: 'a\u009b2J\u007f\u202eb\u2028\u{e0041}\u001b[2Jä€😀', '\u009bkey': 5n };
    const line = jsonLine(document);
    expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
    expect(line).toContain('ä€😀');
    expect(JSON.parse(line)).toEqual({ ...document, '\u009bkey': '5' });
  });
});
