import { DevnetError } from '../errors.ts';

/** Codes that nodes refuse a transaction with: https://github.com/paritytech/polkadot-sdk, sc-rpc-api, author/error.rs. */
export const SUBMISSION_ERROR_CODES = [1010, 1011, 1012, 1013, 1014, 1015, 1016] as const;
export type SubmissionErrorCode = (typeof SUBMISSION_ERROR_CODES)[number];

/**
 * What the JSON-RPC server can be told to get wrong. It believes what it says to nobody's proof: a client of a server has
 * to look at what it can check. Of the legacy functions (`chain_`, `state_`, `author_`, `system_`), which full nodes have.
 */
export interface RpcFaults {
  /** Heads come this many blocks late, and what is asked without a block is answered as of that one; 0: off. */
  laggingBlocks: number;
  /** Added to each nonce that is told, in whichever way; 0: off. */
  wrongNonce: number;
  /** After each final head comes one that is three blocks older; chain_getFinalizedHead tells it every other time. */
  finalizedJumpsBack: boolean;
  /** Each notification comes twice. */
  duplicateNotifications: boolean;
  /** Of two notifications of a subscription the later comes first. One that stays alone comes after a second. */
  reorderedNotifications: boolean;
  /** Submissions are answered as if they were in the pool, and go nowhere. */
  swallowedSubmissions: boolean;
  /** Those who watch a submission are told that it is in a block, and final, that does not have it; it goes nowhere. */
  falseInclusions: boolean;
  /** Submissions are refused with this code, and go nowhere: 1010 invalid, 1013 known already, 1016 pool full, ... */
  refusedSubmissions: SubmissionErrorCode | false;
  /** The same answer, but the submission is passed on. */
  errorAfterForward: SubmissionErrorCode | false;
  /** Half of an answer, and no JSON. */
  garbage: boolean;
  /** Answers are padded to this many bytes; 0: off. */
  largeAnswers: number;
  /** Requests are read, and nothing is answered or notified. */
  hang: boolean;
}

export function noRpcFaults(): RpcFaults {
  return {
    laggingBlocks: 0,
    wrongNonce: 0,
    finalizedJumpsBack: false,
    duplicateNotifications: false,
    reorderedNotifications: false,
    swallowedSubmissions: false,
    falseInclusions: false,
    refusedSubmissions: false,
    errorAfterForward: false,
    garbage: false,
    largeAnswers: 0,
    hang: false,
  };
}

const MOST_PADDING_BYTES = 256 * 1024 * 1024;

/** @throws DevnetError `devnet.bad_input` when a name or a value is none of these */
export function checkRpcFaults(faults: Partial<RpcFaults>): void {
  for (const [name, value] of Object.entries(faults) as [string, unknown][]) {
    if (!Object.hasOwn(noRpcFaults(), name)) {
      throw new DevnetError('devnet.bad_input', `the RPC server has no fault "${name}"`);
    }
    const wanted = whatIsWanted(name as keyof RpcFaults, value);
    if (wanted === undefined) continue;
    throw new DevnetError('devnet.bad_input', `the fault "${name}" is ${wanted}, not ${String(value)}`);
  }
}

/** Undefined when it is given. */
function whatIsWanted(name: keyof RpcFaults, value: unknown): string | undefined {
  const isWhole = typeof value === 'number' && Number.isSafeInteger(value);
  switch (name) {
    case 'laggingBlocks':
      return isWhole && value >= 0 ? undefined : 'a number of blocks, 0 for none';
    case 'largeAnswers':
      return isWhole && value >= 0 && value <= MOST_PADDING_BYTES
        ? undefined
        : `a number of bytes up to ${MOST_PADDING_BYTES}, 0 for none`;
    case 'wrongNonce':
      return isWhole ? undefined : 'a whole number, 0 for none';
    case 'refusedSubmissions':
    case 'errorAfterForward':
      return value === false || SUBMISSION_ERROR_CODES.some((code) => code === value)
        ? undefined
        : `false or one of ${SUBMISSION_ERROR_CODES.join(', ')}`;
    default:
      return typeof value === 'boolean' ? undefined : 'true or false';
  }
}
