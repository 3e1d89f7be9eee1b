import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CredentialFiles } from '../../../src/telemetry/index.ts';
import { type Mosquitto, NO_MOSQUITTO, startMosquitto } from '../../support/telemetry/mosquitto.ts';
import { startTelemetry, type TelemetryUnderTest } from '../../support/telemetry/telemetry-station.ts';

const NO_OPENSSL =
  spawnSync('openssl', ['version']).error === undefined ? undefined : 'openssl is not installed';
const SKIPPED = NO_MOSQUITTO ?? NO_OPENSSL;

describe.skipIf(SKIPPED !== undefined)(
  `over TLS${SKIPPED === undefined ? '' : ` (skipped: ${SKIPPED})`}`,
  () => {
    let folder: string;
    let broker: Mosquitto;
    const stations: TelemetryUnderTest[] = [];
    const file = (name: string): string => path.join(folder, name);

    function openssl(...args: string[]): void {
      const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8', cwd: folder });
      if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
    }

    /** A key and a certificate for it: of its own as a CA, or signed by the CA called `issuer`. */
    function certify(name: string, subject: string, issuer?: string): void {
      const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc', '-keyout', `${name}.key`];
      if (issuer === undefined) {
        openssl('req', '-x509', ...ec, '-out', `${name}.pem`, '-subj', subject, '-days', '1');
        return;
      }
      openssl('req', ...ec, '-out', `${name}.csr`, '-subj', subject);
      writeFileSync(file('names.ext'), 'subjectAltName=DNS:broker.example\n');
      const from = [
        '-CA',
        `${issuer}.pem`,
        '-CAkey',
        `${issuer}.key`,
        '-CAcreateserial',
        '-extfile',
        'names.ext',
      ];
      openssl('x509', '-req', '-in', `${name}.csr`, '-out', `${name}.pem`, '-days', '1', ...from);
    }

    beforeAll(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'telemetry-tls-'));
      certify('ca', '/CN=Test CA');
      certify('stranger', '/CN=Another CA');
      certify('broker', '/CN=broker.example', 'ca');
      certify('station', '/CN=DE-ACME-0001', 'ca');
      broker = await startMosquitto([
        `cafile ${file('ca.pem')}`,
        `certfile ${file('broker.pem')}`,
        `keyfile ${file('broker.key')}`,
        'require_certificate true',
        'use_identity_as_username true',
      ]);
    });

    afterEach(async () => {
      await Promise.all(stations.splice(0).map(({ telemetry }) => telemetry.close()));
    });

    afterAll(async () => {
      await broker?.kill();
      rmSync(folder, { recursive: true, force: true });
    });

    function station(files: Partial<CredentialFiles>, serverName = 'broker.example'): TelemetryUnderTest {
      const credentials = {
        caFile: file('ca.pem'),
        certFile: file('station.pem'),
        keyFile: file('station.key'),
        ...files,
      };
      const started = startTelemetry(`mqtts://127.0.0.1:${broker.port}`, { credentials, serverName });
      stations.push(started);
      return started;
    }

    const first = ({ logged }: TelemetryUnderTest): Promise<unknown> =>
      logged(({ event }) => event === 'telemetry.connected' || event === 'telemetry.disconnected');

    it('a station with its client certificate is let in by a broker with the right name and CA', async () => {
      const { telemetry, logged } = station({});
      expect(await logged(() => true)).toMatchObject({ event: 'telemetry.connected', fields: { mqtt: '5' } });
      await expect
        .poll(() => telemetry.statistics(), { interval: 5, timeout: 10_000 })
        .toMatchObject({ sent: 1, queued: 0 });
      const { budget, bytesSent, bytesReceived } = telemetry.statistics();
      // Two certificates and a key exchange, which the MQTT library does not see.
      expect(budget.bytesLastDay - bytesSent - bytesReceived).toBeGreaterThan(2_000);
    });

    it('a broker with a certificate of an unknown CA is not spoken to', async () => {
      expect(await first(station({ caFile: file('stranger.pem') }))).toMatchObject({
        level: 'error',
        fields: { code: 'telemetry.tls_failed' },
      });
    });

    it('a broker with another name in its certificate is not spoken to', async () => {
      expect(await first(station({}, 'other.example'))).toMatchObject({
        fields: { code: 'telemetry.tls_failed', cause: 'ERR_TLS_CERT_ALTNAME_INVALID' },
      });
    });

    it('a station without its client certificate is told that TLS failed, whichever side noticed', async () => {
      const credentials = { caFile: file('ca.pem') };
      const started = startTelemetry(`mqtts://127.0.0.1:${broker.port}`, {
        credentials,
        serverName: 'broker.example',
      });
      stations.push(started);
      expect(await first(started)).toMatchObject({ fields: { code: 'telemetry.tls_failed' } });
    });

    it('without the CA file, the CAs of the system decide, and they do not know this one', async () => {
      const credentials = { certFile: file('station.pem'), keyFile: file('station.key') };
      const started = startTelemetry(`mqtts://127.0.0.1:${broker.port}`, {
        credentials,
        serverName: 'broker.example',
      });
      stations.push(started);
      expect(await first(started)).toMatchObject({ fields: { code: 'telemetry.tls_failed' } });
    });

    it('a credential that cannot be read is named, and taken up as soon as it is there', async () => {
      const late = file('late.key');
      const started = station({ keyFile: late });
      expect(await first(started)).toMatchObject({
        level: 'error',
        fields: { code: 'telemetry.credentials_unreadable', file: late },
      });
      writeFileSync(late, readFileSync(file('station.key')));
      await started.logged(({ event }) => event === 'telemetry.connected');
    });

    it('a file that is no key is an error of TLS, and its content stays out of the log', async () => {
      writeFileSync(file('wrong.key'), 'hunter2');
      const started = station({ keyFile: file('wrong.key') });
      expect(await first(started)).toMatchObject({ fields: { code: 'telemetry.tls_failed' } });
      expect(JSON.stringify(started.events)).not.toContain('hunter2');
    });
  },
);

describe.skipIf(NO_MOSQUITTO !== undefined)(
  `with a password${NO_MOSQUITTO === undefined ? '' : ` (skipped: ${NO_MOSQUITTO})`}`,
  () => {
    it('from a credential file a station is let in, with another it is told so, and over plain TCP it is warned', async () => {
      const folder = mkdtempSync(path.join(tmpdir(), 'telemetry-password-'));
      const passwords = path.join(folder, 'passwords');
      // mosquitto's own format would need mosquitto_passwd: `user:$7$iterations$salt$hash` (PBKDF2-SHA512).
      const made = spawnSync('mosquitto_passwd', ['-b', '-c', passwords, 'station', 'open sesame']);
      expect(made.status).toBe(0);
      const broker = await startMosquitto(['allow_anonymous false', `password_file ${passwords}`]);
      const passwordFile = path.join(folder, 'password');
      const url = `mqtt://127.0.0.1:${broker.port}`;
      writeFileSync(passwordFile, 'wrong\n');
      const { telemetry, logged, events } = startTelemetry(url, {
        credentials: { username: 'station', passwordFile },
      });
      try {
        expect(events.map(({ event }) => event)).toContain('telemetry.password_in_clear');
        await logged(({ fields }) => fields.code === 'telemetry.not_authorized');
        writeFileSync(passwordFile, 'open sesame\n');
        await logged(({ event }) => event === 'telemetry.connected');
        expect(JSON.stringify(events)).not.toMatch(/sesame|wrong/);
      } finally {
        await telemetry.close();
        await broker.kill();
        rmSync(folder, { recursive: true, force: true });
      }
    });
  },
);
