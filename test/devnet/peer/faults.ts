import { DevnetError } from '../errors.ts';

/**
 * The lies that a peer can be told to tell, to see that a light client refuses them, and the ways in which it can be of
 * no use. The chains stay right.
 */
export interface Faults {
  /** GRANDPA commits and justifications carry a signature that is wrong. */
  grandpaSignatures: boolean;
  /** GRANDPA commits and justifications are signed, rightly, by a key that is no voter. */
  foreignVoters: boolean;
  /** Proofs of storage and of calls have a wrong byte. */
  storageProofs: boolean;
  /** Headers, of the parachain as of the relay chain, are not sealed by the authority whose slot it is. */
  auraSeals: boolean;
  /** Headers have another state root, and a well-made seal by a key that is no authority; they are announced as best. */
  forgedHeaders: boolean;
  /** A block is answered with the header and body of another one, which does not hash to what was asked for. */
  otherBlocks: boolean;
  /** The last extrinsic is left out of each body, which no longer fits the extrinsics root. */
  incompleteBodies: boolean;
  /** Transactions are taken and neither passed on nor included (true), or passed on after so many more blocks. */
  withheldTransactions: boolean | number;
  /** The chain ends, for this peer, where it ended when this was switched on. */
  stale: boolean;
  /** Connections are accepted, and nothing is ever answered or announced. */
  silent: boolean;
  /** Each connection is reset (TCP RST) as soon as it is there; those that are open at once. */
  resets: boolean;
}

export function noFaults(): Faults {
  return {
    grandpaSignatures: false,
    foreignVoters: false,
    storageProofs: false,
    auraSeals: false,
    forgedHeaders: false,
    otherBlocks: false,
    incompleteBodies: false,
    withheldTransactions: false,
    stale: false,
    silent: false,
    resets: false,
  };
}

/** @throws DevnetError `devnet.bad_input` when a name or a value is none of these */
export function checkFaults(faults: Partial<Faults>): void {
  for (const [name, value] of Object.entries(faults) as [string, unknown][]) {
    if (!Object.hasOwn(noFaults(), name))
      throw new DevnetError('devnet.bad_input', `peers have no fault "${name}"`);
    const isBlocks = name === 'withheldTransactions' && Number.isSafeInteger(value) && Number(value) > 0;
    if (typeof value === 'boolean' || isBlocks) continue;
    const wanted = name === 'withheldTransactions' ? 'true, false or a number of blocks' : 'true or false';
    throw new DevnetError('devnet.bad_input', `the fault "${name}" is ${wanted}, not ${String(value)}`);
  }
}
