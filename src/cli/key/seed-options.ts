import { Option, type Command } from 'commander';
import type { SealKind, SeedOptions } from '../../identity/index.ts';

/** Named here too: this file is loaded with every command, the room of identity is not. */
const SEAL_KINDS: readonly SealKind[] = ['file', 'tpm', 'pkcs11'];

export interface SealingOptions {
  readonly seal?: SealKind;
  readonly pcrs?: string;
  readonly tcti?: string;
  readonly module?: string;
  readonly token?: string;
}

/** Where a new seed goes. */
export function addSealingOptions(command: Command, defaultWords: string): Command {
  return command
    .addOption(
      new Option('--seal <kind>', `where the new seed is kept; default: ${defaultWords}`).choices(SEAL_KINDS),
    )
    .option('--pcrs <list>', 'tpm: platform registers that the seed is bound to, such as sha256:0,7, or none')
    .option('--tcti <text>', 'tpm: how it is reached; default: $TPM2TOOLS_TCTI, otherwise device:/dev/tpmrm0')
    .option('--module <file>', "pkcs11: the token's library")
    .option('--token <label>', "pkcs11: the token's label; its PIN is in $DELMONICOS_PKCS11_PIN");
}

export function seedOptions({ seal, pcrs, tcti, module, token }: SealingOptions): SeedOptions {
  return {
    credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
    ...(seal && { seed: seal }),
    tpm: { tcti, pcrs },
    pkcs11: { module, token },
  };
}
