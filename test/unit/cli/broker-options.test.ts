import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addBrokerOptions, deskOptions, type BrokerArguments } from '../../../src/cli/broker-options.ts';
import { hasCode } from '../../support/has-code.ts';

let folder: string;
let secret: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'broker-options-'));
  secret = path.join(folder, 'secret');
  writeFileSync(secret, 'x\n');
});
afterAll(() => rmSync(folder, { recursive: true }));

const broker = 'mqtts://broker.example';

describe('how a broker is reached', () => {
  it('takes files, and a password from the environment where no file has it', () => {
    const given = { broker, username: 'desk' };
    const environment = { DELMONICOS_BROKER_PASSWORD: 'from the environment' };
    expect(deskOptions(given, environment)).toEqual({
      ...{ url: broker, password: 'from the environment', credentials: { username: 'desk' } },
    });
    expect(deskOptions({ ...given, passwordFile: secret }, environment)).toEqual({
      ...{ url: broker, credentials: { username: 'desk', passwordFile: secret } },
    });
  });

  it('has no option for a password, which everybody could list', () => {
    const flags = addBrokerOptions(new Command()).options.map(({ long }) => long);
    expect(flags).toContain('--password-file');
    expect(flags).not.toContain('--password');
  });

  it.each<[string, (file: string) => BrokerArguments, string]>([
    ['no broker', () => ({}), 'usage.bad_option'],
    ['a password without a user', (file) => ({ broker, passwordFile: file }), 'usage.bad_option'],
    ['a certificate without its key', (file) => ({ broker, cert: file }), 'usage.bad_option'],
    ['a CA without TLS', (file) => ({ broker: 'mqtt://127.0.0.1', ca: file }), 'usage.bad_option'],
    ['a file that is not there', (file) => ({ broker, ca: `${file}.no` }), 'usage.file_unreadable'],
  ])('refuses %s', (_what, given, code) => {
    expect(() => deskOptions(given(secret), {})).toThrow(hasCode(code));
  });
});
