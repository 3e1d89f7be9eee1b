import { keyDocument } from './key-show.ts';
import { note, print, printJson } from './output.ts';
import { productVersion } from './product-version.ts';
import { seedOptions, type SealingOptions } from './seed-options.ts';

export interface RotateOptions extends SealingOptions {
  readonly json?: true;
  readonly destroyOld?: true;
  readonly ss58Prefix: number;
}

export async function rotateKeyCommand(directory: string, options: RotateOptions): Promise<void> {
  const [{ rotateStationKey }, { systemMonotonicClock, systemWallClock }] = await Promise.all([
    import('../station/index.ts'),
    import('../service/index.ts'),
  ]);
  const { seal, ...sealing } = options;
  const { origin, before, after, index, oldSeed } = await rotateStationKey({
    stateDirectory: directory,
    seed: seedOptions(sealing),
    moveTo: seal,
    keepOld: options.destroyOld !== true,
    ss58Prefix: options.ss58Prefix,
    software: `delmonicos-inside ${productVersion()} key rotate`,
    clock: systemMonotonicClock,
    // Nobody asked what the clock is worth; the two entries say so.
    wallClock: { ...systemWallClock(), status: () => 'U' },
  });
  const document = {
    ...keyDocument(after, origin),
    rotation: {
      index,
      oldPublicKey: Buffer.from(before.publicKey).toString('hex'),
      oldSeed: oldSeed ?? null,
    },
  };
  if (options.json === true) return printJson(document);
  print(`entry ${index} of ${origin} hands it over, signed by both keys`);
  print(`identity key    ${document.publicKey} (ed25519, key id ${document.keyId})`);
  print(`chain account   ${document.chainAccount.ss58}`);
  print(`verifier key    ${document.verifierKey}`);
  note(`the new chain account needs money before it can anchor; the old one was ${before.chainAccount.ss58}`);
  if (oldSeed !== undefined) note(`the old seed is kept as ${oldSeed}: remove it once its account is empty`);
}
