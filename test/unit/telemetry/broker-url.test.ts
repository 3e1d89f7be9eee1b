import { describe, expect, it } from 'vitest';
import { parseBrokerUrl } from '../../../src/telemetry/index.ts';
import { hasCode } from '../../support/has-code.ts';

describe('a broker URL', () => {
  it.each([
    ['mqtt://broker.example', { host: 'broker.example', port: 1883, tls: false }],
    ['mqtts://broker.example', { host: 'broker.example', port: 8883, tls: true }],
    ['mqtts://192.0.2.7:443/', { host: '192.0.2.7', port: 443, tls: true }],
    ['mqtt://[2001:db8::1]:1884', { host: '2001:db8::1', port: 1884, tls: false }],
  ])('%s is understood', (url, address) => {
    expect(parseBrokerUrl(url)).toEqual(address);
  });

  it.each([
    'broker.example:1883',
    'http://broker.example',
    'mqtt://',
    'mqtt://a b',
    'mqtt://broker.example:99999',
    'mqtt://%zz',
    'mqtt://broker.example/path',
    'mqtts://user:hunter2@broker.example',
  ])('%s is refused, and nothing of it repeated', (url) => {
    expect(() => parseBrokerUrl(url)).toThrow(hasCode('config.telemetry_url'));
    expect(() => parseBrokerUrl(url)).not.toThrow(/hunter2/);
  });
});
