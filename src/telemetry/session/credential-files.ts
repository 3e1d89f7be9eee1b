import { readFile } from 'node:fs/promises';
import { TelemetryError } from '../errors.ts';

/** Paths, usually below $CREDENTIALS_DIRECTORY (systemd.exec(5)); the configuration itself holds no secret. */
export interface CredentialFiles {
  /** A user name is no secret: it may be given plainly. The file goes first. */
  readonly username?: string;
  readonly usernameFile?: string;
  readonly passwordFile?: string;
  /** PEM: trusted instead of the system's CAs (pinning). */
  readonly caFile?: string;
  /** PEM: client certificate (chain) and its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
}

/** Debian's and Yocto's `ca-certificates`: updated with the system, unlike the list that is compiled into Node. */
const SYSTEM_CA_FILE = '/etc/ssl/certs/ca-certificates.crt';

export interface Credentials {
  readonly username?: string;
  readonly password?: Buffer;
  readonly ca?: Buffer;
  readonly cert?: Buffer;
  readonly key?: Buffer;
}

/**
 * Reads what is named, anew for each connection, so that a rotated credential is taken up without a restart.
 * A line break at the end of a user name or password belongs to the editor that wrote it and is cut off.
 * @throws TelemetryError `telemetry.credentials_unreadable`, naming the file and never its content.
 */
export async function readCredentials(files: CredentialFiles, tls: boolean): Promise<Credentials> {
  const [username, password, ca, cert, key] = await Promise.all([
    readOptional(files.usernameFile),
    readOptional(files.passwordFile),
    tls && files.caFile === undefined ? readSystemCas() : readOptional(files.caFile),
    readOptional(files.certFile),
    readOptional(files.keyFile),
  ]);
  return {
    ...(files.username !== undefined && { username: files.username }),
    ...(username && { username: withoutLineEnd(username).toString() }),
    ...(password && { password: withoutLineEnd(password) }),
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  };
}

async function readOptional(file: string | undefined): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(file);
  } catch (cause) {
    throw new TelemetryError('telemetry.credentials_unreadable', `cannot read ${file}`, {
      remedy: 'operator',
      cause,
      details: { file },
      hint: 'check LoadCredential= of the unit, or the paths in the configuration',
    });
  }
}

/** Without the system's file, Node's own list decides. */
async function readSystemCas(): Promise<Buffer | undefined> {
  return await readFile(SYSTEM_CA_FILE).catch(() => undefined);
}

function withoutLineEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0x0a || bytes[end - 1] === 0x0d)) end--;
  return bytes.subarray(0, end);
}
