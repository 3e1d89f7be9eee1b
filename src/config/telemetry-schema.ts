import * as v from 'valibot';
import { describe, size } from './schema-fields.ts';

export const LOG_LEVELS = ['off', 'error', 'warning', 'info', 'debug'] as const;
export const PERMISSIONS = ['read', 'act'] as const;

const HOME_ASSISTANT = v.strictObject({
  prefix: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[^\s+#/]+$/, 'must be one topic level'),
      describe("Home Assistant's discovery prefix. Default: homeassistant."),
    ),
  ),
});

const MQTT = v.strictObject({
  url: v.pipe(
    v.string(),
    v.regex(
      /^mqtts?:\/\/[^\s@]+$/,
      'must be mqtt://HOST[:PORT] or mqtts://HOST[:PORT], without a password in it',
    ),
    describe('Broker. Secrets come from systemd credentials, never from this file.'),
  ),
  username: v.optional(
    v.pipe(v.string(), describe('User name; the password is the credential `mqtt-password`.')),
  ),
  serverName: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[A-Za-z0-9.-]{1,253}$/, 'must be a DNS name'),
      describe("Name that the broker's certificate must carry. Default: the host of the URL."),
    ),
  ),
  bytesPerDay: v.optional(
    v.union(
      [
        v.literal('unlimited'),
        size(
          'What telemetry may cost a day, headers of TCP and IP included; when it is short, samples are put together. Default: 10MiB. `unlimited`: each sample is sent.',
        ),
      ],
      'must be a size such as 1MiB, or unlimited',
    ),
  ),
  log: v.optional(
    v.pipe(
      v.picklist(LOG_LEVELS),
      describe('Lines of the log from this level on are published. Default: warning.'),
    ),
  ),
  homeAssistant: v.optional(HOME_ASSISTANT),
});

const OPERATOR = v.strictObject({
  key: v.pipe(
    v.string(),
    v.regex(/^[^\s+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+={0,2}$/, 'must be a C2SP verifier key (NAME+ID+KEY)'),
    describe('Verifier key of somebody who may send commands; `delmonicos key operator` makes one.'),
  ),
  may: v.optional(
    v.pipe(
      v.picklist(PERMISSIONS),
      describe(
        'read: ask what the station sees. act: also what costs money or data (sync now, log level). Default: read.',
      ),
    ),
  ),
});

const PROMETHEUS = v.strictObject({
  socket: v.pipe(
    v.string(),
    v.regex(/^\/[\x21-\x7e]{1,106}$/, 'must be the absolute path of a Unix socket, at most 107 characters'),
    describe('Unix socket on which GET /metrics is answered; see docs/telemetry.md.'),
  ),
});

export const TELEMETRY = v.strictObject({
  mqtt: v.optional(MQTT),
  operators: v.optional(v.pipe(v.array(OPERATOR), v.maxLength(16, 'at most 16 keys'))),
  prometheus: v.optional(PROMETHEUS),
});
