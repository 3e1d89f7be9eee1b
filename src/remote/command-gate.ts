import { createHash } from 'node:crypto';
import { CHALLENGE_BYTES, MAX_COMMAND_BYTES } from './command-envelope.ts';
import type { RemoteErrorCode } from './errors.ts';
import {
  judgeCommand,
  type AcceptedCommand,
  type CommandFacts,
  type RefusedCommand,
} from './judge-command.ts';
import type { Operator } from './operators.ts';
import { TokenBucket, type BucketSize } from './token-bucket.ts';

/** What one gate lets through. */
export interface GateLimits {
  /** Commands that are looked at: what a signature costs, a stranger can cause. Beyond: dropped and counted. */
  readonly looked: BucketSize;
  /** Commands that are obeyed: each is an entry of the journal that never gives way. */
  readonly obeyed: BucketSize;
  /** Nonces that are remembered under one challenge. */
  readonly nonces: number;
}

export const GATE_LIMITS: GateLimits = {
  looked: { burst: 10, everyMs: 500 },
  // In a day at most 1,640 entries of some 350 bytes: half a mebibyte of flash, whatever an operator's program does.
  obeyed: { burst: 200, everyMs: 60_000 },
  nonces: 1_000,
};

export interface GateOptions {
  /** `station.name`. */
  readonly station: string;
  readonly operators: readonly Operator[];
  /** From the system's generator: a challenge must not be guessed. */
  readonly randomBytes: (length: number) => Uint8Array;
  readonly limits?: Partial<GateLimits>;
}

export type Judgement = (AcceptedCommand | RefusedCommand) & {
  /** Now stands in `challenge`: to be published, so that the next command can carry it. */
  readonly newChallenge?: string;
  /** SHA-256 of the envelope: names the command in the journal. */
  readonly digest: Uint8Array;
};

/**
 * Judges the commands of one run of the service. All that it remembers is lost with the service, and so is its challenge: a
 * command from before is refused for its challenge, without a nonce ever having been written to flash.
 */
export class CommandGate {
  readonly #options: GateOptions;
  readonly #limits: GateLimits;
  readonly #looked: TokenBucket;
  readonly #obeyed: TokenBucket;
  readonly #usedNonces = new Set<string>();
  #challenge: string;

  constructor(options: GateOptions) {
    this.#options = options;
    this.#limits = { ...GATE_LIMITS, ...options.limits };
    this.#looked = new TokenBucket(this.#limits.looked);
    this.#obeyed = new TokenBucket(this.#limits.obeyed);
    this.#challenge = this.#made();
  }

  /** 32 hexadecimal digits: stands in `status`, and every command must carry it. */
  get challenge(): string {
    return this.#challenge;
  }

  /** Nothing is carried out here: an accepted command counts as used from now on, whatever becomes of it. */
  judge(bytes: Uint8Array, facts: CommandFacts & { readonly nowMonoMs: number }): Judgement {
    const digest = new Uint8Array(createHash('sha256').update(bytes).digest());
    if (bytes.length <= MAX_COMMAND_BYTES && !this.#looked.take(facts.nowMonoMs))
      return { ...unread('remote.too_many', 'commands come faster than they are looked at'), digest };
    const { station, operators } = this.#options;
    const law = { station, operators, challenge: this.#challenge, usedNonces: this.#usedNonces };
    const judged = judgeCommand(bytes, facts, law);
    if (judged.verdict === 'refused') return { ...judged, digest };
    // Also of one that is refused here: whoever was told no must not have it obeyed later, when somebody sends a copy of it.
    const told = this.#obeyed.take(facts.nowMonoMs) ? judged : this.#tooMany(judged, facts.nowMonoMs);
    return { ...told, digest, ...this.#remember(judged.nonce) };
  }

  #remember(nonce: string): { newChallenge?: string } {
    this.#usedNonces.add(nonce);
    if (this.#usedNonces.size < this.#limits.nonces) return {};
    this.#usedNonces.clear();
    this.#challenge = this.#made();
    return { newChallenge: this.#challenge };
  }

  #tooMany({ command, operator, nonce }: AcceptedCommand, nowMonoMs: number): RefusedCommand {
    const code = 'remote.too_many';
    const waitS = Math.ceil(this.#obeyed.waitMs(nowMonoMs) / 1_000);
    const error = {
      code,
      message: 'the station has obeyed as many commands as it puts on record in so short a time',
      hint: `Each command is an entry of the journal. The next one is obeyed in ${waitS} s; what is wanted often is published by itself (docs/telemetry.md).`,
    };
    return {
      ...({ verdict: 'refused', code, error, isAnswered: true } as const),
      ...{ command: command.name, operator: operator.name, nonce },
    };
  }

  #made(): string {
    return Buffer.from(this.#options.randomBytes(CHALLENGE_BYTES)).toString('hex');
  }
}

function unread(code: RemoteErrorCode, message: string): RefusedCommand {
  return {
    verdict: 'refused',
    code,
    error: { code, message, hint: null },
    isAnswered: false,
    command: '',
    nonce: null,
  };
}
