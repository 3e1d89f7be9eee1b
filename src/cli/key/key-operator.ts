import { print, printJson } from '../output.ts';
import { UsageError } from '../usage-error.ts';
import { makeKeyFile } from './key-file.ts';

export interface OperatorKeyOptions {
  readonly name: string;
  readonly may: 'read' | 'act';
  readonly json?: true;
}

/** As a name in a C2SP verifier key, and in a line of YAML without quotes in quotes. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._@/-]{0,63}$/;

/** Makes a key for a person or a program at the support desk, and says what stations have to be told of it. */
export async function makeOperatorKey(file: string, options: OperatorKeyOptions): Promise<void> {
  const { name, may, json } = options;
  if (!NAME.test(name)) {
    throw new UsageError('usage.bad_option', `--name: ${JSON.stringify(name)} is no name for a key`, {
      hint: 'Letters, digits and . _ @ / - (at most 64), such as support@acme.example.',
    });
  }
  const { formatVerifierKey } = await import('../../journal/index.ts');
  const { publicKey } = makeKeyFile(file);
  const verifierKey = formatVerifierKey({ keyName: name, publicKey });
  const configuration = `    - key: '${verifierKey}'\n      may: ${may}`;
  if (json === true) return printJson({ name, verifierKey, may, file });
  print(`verifier key    ${verifierKey}`);
  print(`\nIn station.yaml, below telemetry:\n\n  operators:\n${configuration}`);
  print(`\n${file} is the private key: whoever has it can ask those stations. It has no copy.`);
}
