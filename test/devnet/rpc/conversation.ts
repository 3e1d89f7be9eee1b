// One connection of the JSON-RPC server: what its client asks goes to an honest server behind, and comes back with the
// faults that are switched on.
import { type Chain } from '../chain/chain.ts';
import { blake2b256, fromHex, type Hex, toHex } from '../encoding/bytes.ts';
import { messageOf } from '../errors.ts';
import {
  type Json,
  type JsonRpcAnswer,
  type JsonRpcNotification,
  type JsonRpcRequest,
  readFromServer,
  readRequest,
  writeAnswer,
  writeNotification,
  writeRequest,
} from './json-rpc.ts';
import * as lies from './lies.ts';
import { type RpcFaults, type SubmissionErrorCode } from './rpc-faults.ts';

/** How far final heads jump back. */
const JUMP_BLOCKS = 3;
/** A notification that waits for the next one, so that they can change places, waits no longer than this. */
const REORDER_MS = 1_000;
const SUBMISSIONS: ReadonlySet<string> = new Set([
  'author_submitExtrinsic',
  'author_submitAndWatchExtrinsic',
]);
/** Ids of requests that we make ourselves, whose answers nobody gets. */
const OWN_ID = 'devnet-own';
const OWN_WATCH = 'devnet-watch-';
const INVALID_PARAMS = -32602;

export interface ConversationOptions {
  readonly chain: Chain;
  /** Read at each message. */
  readonly faults: Readonly<RpcFaults>;
  /** To the honest server. */
  readonly ask: (text: string) => void;
  /** To the client. */
  readonly tell: (text: string) => void;
}

export class Conversation {
  readonly #options: ConversationOptions;
  /** Requests under way, by their id as JSON. */
  readonly #asked = new Map<string, JsonRpcRequest>();
  /** The notification of each subscription that waits for a later one. */
  readonly #held = new Map<string, { notification: JsonRpcNotification; timer: NodeJS.Timeout }>();
  #watches = 0;
  #finalizedHeads = 0;

  constructor(options: ConversationOptions) {
    this.#options = options;
  }

  fromClient(text: string): void {
    const { faults, ask } = this.#options;
    if (faults.hang) return;
    const request = readRequest(text);
    if (request === undefined) {
      ask(text);
      return;
    }
    const made = this.#make(request);
    if (made !== undefined) {
      this.#answer(made);
      return;
    }
    this.#asked.set(JSON.stringify(request.id), request);
    const { laggingBlocks } = faults;
    ask(laggingBlocks === 0 ? text : writeRequest(lies.askAbout(request, this.#laggingBest())));
  }

  fromServer(text: string): void {
    const message = readFromServer(text);
    if (message?.kind === 'answer') this.#passAnswer(message.answer);
    else if (message?.kind === 'notification') this.#passNotification(message.notification);
    else this.#tell(text);
  }

  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer);
    this.#held.clear();
  }

  /** An answer of our own, or undefined when the server behind is to answer. */
  #make(request: JsonRpcRequest): JsonRpcAnswer | undefined {
    try {
      return SUBMISSIONS.has(request.method) ? this.#submit(request) : this.#answerOurselves(request);
    } catch (thrown) {
      return { id: request.id, error: { code: INVALID_PARAMS, message: messageOf(thrown) } };
    }
  }

  /** The answer to a submission that gets nowhere, or undefined when it is passed on. */
  #submit({ id, method, params }: JsonRpcRequest): JsonRpcAnswer | undefined {
    const { faults, ask } = this.#options;
    const refused = (code: SubmissionErrorCode) => ({ id, error: lies.refusal(code) });
    if (faults.refusedSubmissions !== false) return refused(faults.refusedSubmissions);
    if (faults.errorAfterForward !== false) {
      ask(writeRequest({ id: OWN_ID, method: 'author_submitExtrinsic', params }));
      return refused(faults.errorAfterForward);
    }
    if (!faults.swallowedSubmissions && !faults.falseInclusions) return undefined;
    if (method === 'author_submitExtrinsic') return { id, result: hashOf(params[0] ?? null) };
    const subscription = `${OWN_WATCH}${++this.#watches}`;
    // After the answer that tells the subscription.
    setImmediate(() => {
      for (const result of this.#storyOfExtrinsic()) {
        this.#passNotification({ method: 'author_extrinsicUpdate', subscription, result });
      }
    });
    return { id, result: subscription };
  }

  #storyOfExtrinsic(): Json[] {
    const { chain, faults } = this.#options;
    if (!faults.falseInclusions) return ['ready'];
    const block = toHex(chain.finalized.hash);
    return ['ready', { inBlock: block }, { finalized: block }];
  }

  #answerOurselves(request: JsonRpcRequest): JsonRpcAnswer | undefined {
    const { chain, faults } = this.#options;
    const { id, method, params } = request;
    const [watch] = params;
    const isOurs = typeof watch === 'string' && watch.startsWith(OWN_WATCH);
    if (method === 'author_unwatchExtrinsic' && isOurs) return { id, result: true };
    let lag = faults.laggingBlocks;
    if (faults.finalizedJumpsBack && method === 'chain_getFinalizedHead') {
      lag += this.#finalizedHeads++ % 2 === 0 ? 0 : JUMP_BLOCKS;
    }
    if (lag === 0) return undefined;
    const result = lies.answerAsOf(chain, this.#laggingBest(), lag, request);
    return result === undefined ? undefined : { id, result: this.#withNonce(request, result) };
  }

  #laggingBest() {
    const { chain, faults } = this.#options;
    return lies.before(chain, chain.best, faults.laggingBlocks);
  }

  #withNonce(request: JsonRpcRequest, result: Json): Json {
    const { wrongNonce } = this.#options.faults;
    return wrongNonce === 0 ? result : lies.withNonceOff(request, result, wrongNonce);
  }

  #passAnswer(answer: JsonRpcAnswer): void {
    if (answer.id === OWN_ID) return;
    const key = JSON.stringify(answer.id);
    const request = this.#asked.get(key);
    this.#asked.delete(key);
    const { result } = answer;
    const isChanged = request !== undefined && result !== undefined;
    this.#answer(isChanged ? { ...answer, result: this.#withNonce(request, result) } : answer);
  }

  #answer(answer: JsonRpcAnswer): void {
    const { largeAnswers } = this.#options.faults;
    const text = writeAnswer(answer);
    this.#tell(largeAnswers === 0 ? text : lies.padTo(text, largeAnswers));
  }

  #passNotification(notification: JsonRpcNotification): void {
    const { chain, faults } = this.#options;
    const lagging =
      faults.laggingBlocks === 0 ? undefined : lies.olderHead(chain, notification, faults.laggingBlocks);
    const shown = this.#shiftStorage(lagging ?? notification);
    this.#inOrder(shown);
    if (!faults.finalizedJumpsBack || shown.method !== 'chain_finalizedHead') return;
    const older = lies.olderHead(chain, shown, JUMP_BLOCKS);
    if (older !== undefined) this.#inOrder(older);
  }

  #shiftStorage(notification: JsonRpcNotification): JsonRpcNotification {
    const { wrongNonce } = this.#options.faults;
    if (wrongNonce === 0 || notification.method !== 'state_storage') return notification;
    return { ...notification, result: lies.shiftChanges(notification.result, wrongNonce) };
  }

  /** Or out of order. */
  #inOrder(notification: JsonRpcNotification): void {
    const { subscription } = notification;
    const earlier = this.#held.get(subscription);
    if (earlier !== undefined) {
      clearTimeout(earlier.timer);
      this.#held.delete(subscription);
      this.#notify(notification);
      this.#notify(earlier.notification);
    } else if (this.#options.faults.reorderedNotifications) {
      const timer = setTimeout(() => {
        this.#held.delete(subscription);
        this.#notify(notification);
      }, REORDER_MS);
      this.#held.set(subscription, { notification, timer });
    } else {
      this.#notify(notification);
    }
  }

  #notify(notification: JsonRpcNotification): void {
    const text = writeNotification(notification);
    this.#tell(text);
    if (this.#options.faults.duplicateNotifications) this.#tell(text);
  }

  #tell(text: string): void {
    const { faults, tell } = this.#options;
    if (!faults.hang) tell(faults.garbage ? lies.garble(text) : text);
  }
}

function hashOf(extrinsic: Json): Hex {
  return toHex(blake2b256(fromHex(typeof extrinsic === 'string' ? extrinsic : '')));
}
