import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { formatVerifierKey } from '../../../src/journal/index.ts';
import {
  parseOperators,
  signCommand,
  type CommandFacts,
  type CommandToSign,
  type Operator,
  type Permission,
} from '../../../src/remote/index.ts';

/** DER in front of a raw private key (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Somebody with an operator's key, made from 32 bytes that everybody knows. */
export class TestOperator {
  readonly name: string;
  readonly publicKey: Uint8Array;
  readonly sign: (message: Uint8Array) => Uint8Array;

  constructor(name: string, seed: Uint8Array = new Uint8Array(32).fill(name.length)) {
    const key = createPrivateKey({
      key: Buffer.concat([PKCS8_PREFIX, seed]),
      format: 'der',
      type: 'pkcs8',
    });
    const { x = '' } = createPublicKey(key).export({ format: 'jwk' });
    this.name = name;
    this.publicKey = new Uint8Array(Buffer.from(x, 'base64url'));
    this.sign = (message) => new Uint8Array(sign(null, message, key));
  }

  get verifierKey(): string {
    return formatVerifierKey({ keyName: this.name, publicKey: this.publicKey });
  }

  as(may: Permission): Operator {
    return parseOperators([{ key: this.verifierKey, may }])[0] as Operator;
  }
}

export const STATION = 'DE-ACME-0001';
export const CHALLENGE = '6f1d6bb4c3e15d0f1f0a7b2c9d8e4455';
/** 2026-11-23 12:00:00 UTC. */
export const NOW_MS = 1_795_435_200_000;
export const FACTS: CommandFacts = { wallTimeMs: NOW_MS, clockStatus: 'S' };

export function bytesOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

/** 16 bytes that are others for each number. */
export function nonceOf(number: number): Uint8Array {
  const nonce = new Uint8Array(16);
  new DataView(nonce.buffer).setUint32(12, number);
  return nonce;
}

/** A command that is good in every respect but for what is given. */
export function commandOf(operator: TestOperator, given: Partial<CommandToSign> = {}): Uint8Array {
  return signCommand(
    {
      ...{ station: STATION, challenge: bytesOf(CHALLENGE), nonce: nonceOf(1), notAfterMs: NOW_MS + 60_000 },
      ...{ command: 'doctor', parameters: {}, ...given },
    },
    operator,
  );
}
