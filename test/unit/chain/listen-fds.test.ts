import { describe, expect, it } from 'vitest';
import { isHandedOver } from '../../../src/chain/gateway/listen-fds.ts';

describe('what a socket activator hands over', () => {
  it('is one connection, for this very process', () => {
    expect(isHandedOver({ LISTEN_PID: '4711', LISTEN_FDS: '1' }, 4711)).toBe(true);
  });

  it.each([
    {},
    { LISTEN_FDS: '1' },
    { LISTEN_PID: '4711' },
    { LISTEN_PID: '4712', LISTEN_FDS: '1' },
    { LISTEN_PID: '04711', LISTEN_FDS: '1' },
    { LISTEN_PID: '4711', LISTEN_FDS: '0' },
    { LISTEN_PID: '4711', LISTEN_FDS: '2' },
  ])('is none of ours with %o', (variables) => {
    expect(isHandedOver(variables, 4711)).toBe(false);
  });
});
