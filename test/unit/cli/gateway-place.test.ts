import { describe, expect, it } from 'vitest';
import { gatewayPlace } from '../../../src/cli/gateway-place.ts';

describe('where a command gets a chain gateway from', () => {
  it('is the socket that the unit names, and otherwise the program beside the bundle', () => {
    expect(gatewayPlace('/run/delmonicos-gateway/gateway.sock')).toEqual({
      socket: '/run/delmonicos-gateway/gateway.sock',
    });
    expect(gatewayPlace('')).toBeInstanceOf(URL);
    expect((gatewayPlace('') as URL).pathname).toMatch(/\/gateway\.js$/);
  });
});
