import { existsSync } from 'node:fs';
import path from 'node:path';
import type { CredentialFiles } from '../../telemetry/index.ts';

/**
 * Secrets of the broker connection, as systemd hands them over (LoadCredential=mqtt-password:...); those that are not there
 * are not used.
 */
export function credentialFiles(
  directory: string | undefined,
  username: string | undefined,
): CredentialFiles {
  const file = (name: string): string | undefined => {
    const candidate = directory === undefined ? undefined : path.join(directory, name);
    return candidate !== undefined && existsSync(candidate) ? candidate : undefined;
  };
  const found = {
    username,
    passwordFile: file('mqtt-password'),
    caFile: file('mqtt-ca'),
    certFile: file('mqtt-cert'),
    keyFile: file('mqtt-key'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}
