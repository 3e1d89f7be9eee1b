// A PKCS#11 token in software (Debian package softhsm2) in a directory of its own.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Debian's and Fedora's place. */
const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so'];
export const SOFTHSM_MODULE = MODULES.find((file) => existsSync(file)) ?? '';

export function missingTokenTools(): string | undefined {
  if (SOFTHSM_MODULE === '' || spawnSync('softhsm2-util', ['--version']).error !== undefined) {
    return 'softhsm2 is not installed';
  }
  return spawnSync('pkcs11-tool', ['--help']).error === undefined ? undefined : 'opensc is not installed';
}

/** Makes an empty token and has the library find it in this process's children. */
export function makeToken(directory: string, label: string, pin: string): void {
  const configuration = path.join(directory, 'softhsm2.conf');
  if (!existsSync(configuration)) {
    mkdirSync(path.join(directory, 'tokens'), { recursive: true });
    writeFileSync(
      configuration,
      `directories.tokendir = ${path.join(directory, 'tokens')}\nlog.level = ERROR\n`,
    );
  }
  process.env['SOFTHSM2_CONF'] = configuration;
  const pins = ['--so-pin', '12345678', '--pin', pin];
  execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], { stdio: 'ignore' });
}
