/** Codes that nodes refuse a transaction with: https://github.com/paritytech/polkadot-sdk, sc-rpc-api, author/error.rs. */
export type SubmissionErrorCode = 1010 | 1011 | 1012 | 1013 | 1014 | 1015 | 1016;

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
