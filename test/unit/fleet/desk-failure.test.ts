import { describe, expect, it } from 'vitest';
import { TelemetryError } from '../../../src/telemetry/index.ts';
import { deskFailure, topicRefused } from '../../../src/fleet/desk/desk-failure.ts';
import { fitsFilter } from '../../../src/fleet/index.ts';

const socketError = (code: 'telemetry.unreachable' | 'telemetry.tls_failed', cause: string) =>
  new TelemetryError(code, 'x', { details: { cause } });

describe('why a desk has no session', () => {
  it.each([
    ['telemetry.unreachable', 'ENOTFOUND', 'fleet.host_unknown'],
    ['telemetry.unreachable', 'EAI_AGAIN', 'fleet.host_unknown'],
    ['telemetry.unreachable', 'ECONNREFUSED', 'fleet.unreachable'],
    ['telemetry.tls_failed', 'ERR_TLS_CERT_ALTNAME_INVALID', 'fleet.tls_name_differs'],
    ['telemetry.tls_failed', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'fleet.tls_not_trusted'],
    ['telemetry.tls_failed', 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'fleet.tls_not_trusted'],
    ['telemetry.tls_failed', 'CERT_HAS_EXPIRED', 'fleet.tls_not_trusted'],
    ['telemetry.tls_failed', 'ERR_SSL_WRONG_VERSION_NUMBER', 'fleet.tls_failed'],
  ] as const)('%s because of %s is told as %s, with what to do', (code, cause, told) => {
    const error = deskFailure(socketError(code, cause), 'broker.example');
    expect(error).toMatchObject({ code: told });
    expect(error.hint).toBeTruthy();
  });

  it('a subscription that the access list lacks is told apart from one that is refused for another reason', () => {
    expect(topicRefused('subscribe', 'a/b', 0x87)).toMatchObject({ code: 'fleet.not_allowed' });
    expect(topicRefused('subscribe', 'a/b', 0x80)).toMatchObject({ code: 'fleet.not_allowed' });
    expect(topicRefused('publish', 'a/b', 0x97)).toMatchObject({ code: 'fleet.refused' });
  });
});

describe('a topic filter', () => {
  it.each([
    ['a/b/c', 'a/b/c', true],
    ['a/b/c', 'a/+/c', true],
    ['a/b/c', 'a/#', true],
    ['a', 'a/#', true],
    ['a/b/c', 'a/+', false],
    ['a', 'a/+', false],
    ['a/', 'a/+', true],
    ['a/b', 'a/b/c', false],
    ['$SYS/x', '#', false],
    ['$SYS/x', '+/x', false],
    ['$SYS/x', '$SYS/#', true],
  ])('%s in %s: %s', (topic, filter, fits) => {
    expect(fitsFilter(topic, filter)).toBe(fits);
  });
});
