import { ConfigError, type OperatorConfig } from '../config/index.ts';
import { envelopeKeyId } from '../identity/index.ts';
import { parseVerifierKey, type NoteKey } from '../journal/index.ts';
import type { Permission } from './command-catalogue.ts';

/** Somebody who may send commands. */
export interface Operator {
  /** Name of the key: stands in the journal beside each command. */
  readonly name: string;
  /** 32 bytes, ed25519. */
  readonly publicKey: Uint8Array;
  /** First 8 bytes of SHA-256(public key), hexadecimal: how a command names the key that it was signed with. */
  readonly keyId: string;
  readonly may: Permission;
}

/**
 * `telemetry.operators`: verifier keys (C2SP signed-note) to keys that commands are verified with.
 * @throws ConfigError `config.invalid`: a key is none, or a key or a name is there twice, so that the journal could not say who it was
 */
export function parseOperators(configured: readonly OperatorConfig[]): readonly Operator[] {
  const operators: Operator[] = [];
  for (const [i, { key, may }] of configured.entries()) {
    const { keyName, publicKey } = verifierKey(key, i);
    const keyId = Buffer.from(envelopeKeyId(publicKey)).toString('hex');
    const taken = operators.some((other) => other.name === keyName || other.keyId === keyId);
    if (taken) throw invalid(i, `the name or the key of ${keyName} is there twice`);
    operators.push({ name: keyName, publicKey, keyId, may });
  }
  return operators;
}

function verifierKey(key: string, i: number): NoteKey {
  try {
    return parseVerifierKey(key);
  } catch (cause) {
    throw invalid(i, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function invalid(i: number, why: string, cause?: unknown): ConfigError {
  return new ConfigError('config.invalid', `telemetry.operators.${i}.key: ${why}`, [], cause);
}
