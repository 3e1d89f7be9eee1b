import { generateKeyPairSync, sign } from 'node:crypto';
import { formatVerifierKey } from '../../../src/journal/index.ts';
import { signConfiguration, type SignedConfiguration } from '../../../src/provisioning/index.ts';

/** A maker of stations, with a key of its own. */
export class Oem {
  readonly name: string;
  readonly publicKey: Uint8Array;
  /** PKCS#8 PEM, as openssl writes it. */
  readonly pem: string;
  readonly #privateKey;

  constructor(name = 'acme-oem') {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const { x = '' } = publicKey.export({ format: 'jwk' });
    this.name = name;
    this.publicKey = new Uint8Array(Buffer.from(x, 'base64url'));
    this.pem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
    this.#privateKey = privateKey;
  }

  /** The content of a station's `oem-keys`. */
  get keysFile(): string {
    return `# who may configure this station\n${formatVerifierKey({ keyName: this.name, publicKey: this.publicKey })}\n`;
  }

  get key() {
    return {
      publicKey: this.publicKey,
      sign: (message: Uint8Array) => new Uint8Array(sign(null, message, this.#privateKey)),
    };
  }

  sign(content: SignedConfiguration): Uint8Array {
    return signConfiguration(content, this.key);
  }
}
