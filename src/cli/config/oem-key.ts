import { readKeyFile, type FileKey } from '../key/key-file.ts';

export type OemKey = FileKey;

/**
 * An OEM's private key.
 * @throws UsageError `usage.file_unreadable`
 */
export function readOemKey(file: string): OemKey {
  return readKeyFile(file, `make one with: openssl genpkey -algorithm ed25519 -out ${file}`);
}
