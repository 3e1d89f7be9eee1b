import { expect } from 'vitest';

/** For `toThrow`: an error whose stable `code` is this one. Tests never look at messages. */
export function hasCode(code: string): Error {
  return expect.objectContaining({ code }) as Error;
}
