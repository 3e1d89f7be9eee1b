// A station around the outbox machine, on a model chain: one small step at a time, and what a crash, a rotation of keys, a
// move to another chain or a server that lies does to it. The oracle is the chain: what is in finalized blocks, how often.
import { expect } from 'vitest';
import type { AnchorEvidence, BlockRef, Hex } from '../../../src/chain/index.ts';
import { type Intent, isInFlight, isOpen } from '../../../src/sync/outbox/intent.ts';
import { restoreOutbox, stepOutbox } from '../../../src/sync/outbox/outbox-machine.ts';
import type { Outbox, OutboxCommand, OutboxEvent } from '../../../src/sync/outbox/outbox-model.ts';
import { ModelChain } from './model-chain.ts';

export const ERA = 8;

export type Crash = 'before-commit' | 'after-commit' | 'no';
/** What the next answer of the server is instead of the truth. `absent` is the one that nothing here can see through. */
export type Lie = 'old' | 'ahead' | 'higher-nonce' | 'lower-nonce' | 'forged' | 'silent' | 'absent';

interface Signer {
  readonly intentId: number;
  readonly account: number;
}

export class ModelStation {
  chain = new ModelChain();
  readonly disk = new Map<number, Intent>();
  readonly signedBy = new Map<Hex, Signer>();
  /** Intents of which an absence was told that is none. */
  readonly liedAbsent = new Map<number, number>();
  readonly reach: number;
  outbox: Outbox = restoreOutbox([], 0);
  account = 1;
  ownFrom = 0;
  lie: Lie | null = null;
  lieBy = 1;
  #chains: ModelChain[] = [this.chain];
  #commands: OutboxCommand[] = [];
  #late: readonly OutboxEvent[] = [];
  #lastEvent: OutboxEvent | undefined;
  #size = 0;
  #signatures = 0;

  constructor(reach = Infinity) {
    this.reach = reach;
  }

  handle(event: OutboxEvent, crash: Crash = 'no'): void {
    this.#lastEvent = event;
    const step = stepOutbox(this.outbox, event);
    if (crash === 'before-commit') return this.crash();
    for (const intent of step.changed) this.disk.set(intent.id, JSON.parse(JSON.stringify(intent)) as Intent);
    if (crash === 'after-commit') return this.crash();
    this.outbox = step.outbox;
    this.#commands.push(...step.commands);
    this.#check();
  }

  crash(): void {
    this.#commands = [];
    this.#late = [];
    this.outbox = restoreOutbox([...this.disk.values()], Math.max(0, ...this.disk.keys()), this.ownFrom);
    if (this.ownFrom > 0) this.handle({ type: 'log-replaced', from: this.ownFrom });
    this.#check();
  }

  plan(): void {
    const size = ++this.#size;
    this.handle({ type: 'planned', checkpoint: `size ${size}`, size, root: '0x00', atMs: 0 });
  }

  publish(): void {
    const size = ++this.#size;
    const range = {
      size,
      root: '0x00' as const,
      fromIndex: size - 1,
      toIndex: size,
      payload: '0x0a' as const,
    };
    const counts = { entries: 1, entriesSoFar: size, skippedSoFar: 0 };
    this.handle({ type: 'planned-publish', ...range, ...counts, atMs: 0 });
  }

  linkUp(): void {
    if (this.outbox.link === null) this.handle({ type: 'link-up' });
  }

  /** What the gateway was still working on may take effect all the same, and its answer may come when nobody asks. */
  linkDown(): void {
    this.#late = this.#commands.flatMap((command) => this.#effectOf(command) ?? []);
    this.#commands = [];
    this.handle({ type: 'link-down' });
  }

  answerLate(): void {
    for (const event of this.#late) this.handle(event);
  }

  /** Carries out the oldest command, or another one first; or does so and crashes before its result is known. */
  run(crash: Crash = 'no', which = 0): boolean {
    const [command] = this.#commands.splice(which % Math.max(1, this.#commands.length), 1);
    if (command === undefined) return false;
    const event = this.#effectOf(command);
    // No answer: the session asks again, or ends and another one begins.
    if (event === undefined) this.linkDown();
    else this.handle(event, crash);
    return true;
  }

  finalize(count: number): void {
    this.chain.finalize(count);
    if (this.outbox.link !== null && this.outbox.current !== null) this.#commands.push({ type: 'ask-facts' });
  }

  someoneElse(): void {
    const nonce = this.chain.bestNonce(this.account);
    const bytes: Hex = `0x${'ee'.repeat(4)}${(++this.#signatures).toString(16).padStart(8, '0')}`;
    const free = { birth: null, deathNumber: 1e9, specVersion: null };
    this.chain.gossip({ bytes, account: this.account, nonce, ...free });
  }

  /** The service is stopped, its keys are replaced, and it starts with another account. */
  rotate(): void {
    this.account++;
    this.crash();
  }

  /** The journal is set aside, and another one begins. */
  replaceLog(): void {
    this.#size = 0;
    this.ownFrom = Math.max(0, ...this.disk.keys()) + 1;
    this.crash();
  }

  /** The configuration names another chain; the service is started anew. */
  moveToAnotherChain(): void {
    this.crash();
    this.chain = new ModelChain();
    this.#chains.push(this.chain);
    this.handle({ type: 'chain-changed' });
  }

  notify(kind: 'included' | 'retracted' | 'hint' | 'again'): void {
    const { current } = this.outbox;
    if (kind === 'again') {
      const event = this.#lastEvent;
      const isPlan = event === undefined || /^planned|^log|^chain/.test(event.type);
      return isPlan ? undefined : this.handle(event);
    }
    if (current === null || current.attempt === null) return;
    const about = { intentId: current.id, ordinal: current.attempt.ordinal };
    const block = this.chain.holding(current.attempt.extrinsic);
    if (kind === 'included')
      return block === undefined ? undefined : this.handle({ type: 'included', ...about, block });
    if (kind === 'hint') return this.handle({ type: 'hint', ...about, block: block?.hash ?? null });
    this.handle({ type: 'retracted', ...about });
  }

  /** Undefined: no answer that is believed. */
  #effectOf(command: OutboxCommand): OutboxEvent | undefined {
    const lie = this.lie;
    switch (command.type) {
      case 'ask-facts':
        this.lie = null;
        return lie === 'silent' ? undefined : this.#facts(lie);
      case 'sign': {
        const { intent, nonce, birth } = command;
        const extrinsic: Hex = `0x${(++this.#signatures).toString(16).padStart(8, '0')}`;
        this.signedBy.set(extrinsic, { intentId: intent.id, account: this.account });
        const ordinal = (intent.attempt?.ordinal ?? 0) + 1;
        const attempt = { ordinal, nonce, birth, deathNumber: birth.number + ERA, extrinsic };
        return { type: 'signed', intentId: intent.id, attempt };
      }
      case 'submit': {
        const { intent, attempt } = command;
        expect(this.disk.get(intent.id)?.attempt, 'bytes leave only when they are on disk').toEqual(attempt);
        const { extrinsic: bytes, nonce, birth, deathNumber } = attempt;
        const account = this.signedBy.get(bytes)?.account ?? 0;
        // One that cannot pay, or whose runtime is gone, is refused; the answer is the same.
        const { specVersion } = this.chain;
        if (this.chain.canPay) this.chain.gossip({ bytes, account, nonce, birth, deathNumber, specVersion });
        return { type: 'submitted', intentId: intent.id, ordinal: attempt.ordinal };
      }
      case 'locate':
        this.lie = null;
        return this.#locate(command, lie);
    }
  }

  #facts(lie: Lie | null): OutboxEvent {
    const { current } = this.outbox;
    const attempt = current !== null && isInFlight(current) ? current.attempt : null;
    const signer = attempt === null ? this.account : (this.signedBy.get(attempt.extrinsic)?.account ?? 0);
    const retired = signer === this.account ? {} : { retired: true as const };
    const tip = this.chain.finalizedAt();
    const finalized: BlockRef =
      lie === 'old'
        ? this.chain.finalizedAt(tip.number - 2 * this.lieBy)
        : lie === 'ahead'
          ? { number: tip.number + 5 * this.lieBy, hash: `0x${'fa'.repeat(32)}` }
          : tip;
    const nonce = this.chain.nonceAt(signer, finalized);
    const told =
      lie === 'higher-nonce'
        ? nonce + this.lieBy
        : lie === 'lower-nonce'
          ? Math.max(0, nonce - this.lieBy)
          : nonce;
    return { type: 'facts', finalized, nonce: told, ...retired };
  }

  #locate(
    { intent, attempt, finalized }: OutboxCommand & { type: 'locate' },
    lie: Lie | null,
  ): OutboxEvent | undefined {
    const about = { intentId: intent.id, ordinal: attempt.ordinal };
    const found = this.chain.locate(attempt.extrinsic, finalized, this.reach);
    // Forged evidence is refused (evidence-policy.ts), and the session ends.
    if (lie === 'forged' || lie === 'silent') return undefined;
    if (lie === 'absent') {
      this.liedAbsent.set(intent.id, (this.liedAbsent.get(intent.id) ?? 0) + 1);
      return { type: 'absent', ...about };
    }
    if (found === 'no answer') return undefined;
    if (found === 'absent') return { type: 'absent', ...about };
    if (found === 'out-of-reach') return { type: 'out-of-reach', ...about, why: 'too old' };
    const evidence = { blockNumber: found.number, blockHash: found.hash, extrinsic: attempt.extrinsic };
    return { type: 'located', ...about, evidence: evidence as AnchorEvidence };
  }

  #check(): void {
    expect([...this.disk.values()].filter(isInFlight).length, 'extrinsics in flight').toBeLessThanOrEqual(1);
  }

  /** On every chain that the station was on. */
  inclusionsByIntent(): Map<number, number> {
    const counts = new Map<number, number>();
    for (const chain of this.#chains) {
      for (const [bytes, count] of chain.finalizedInclusions()) {
        const id = this.signedBy.get(bytes)?.intentId;
        if (id !== undefined) counts.set(id, (counts.get(id) ?? 0) + count);
      }
    }
    return counts;
  }

  rows(): Intent[] {
    return [...this.disk.values()];
  }

  /** From now on the world is kind: link up, nobody lies, every block takes what it may and becomes final. */
  settle(): void {
    this.lie = null;
    this.chain.canPay = true;
    for (let round = 0; round < 120 && this.rows().some(isOpen); round++) {
      this.linkUp();
      for (let steps = 0; steps < 50 && this.run(); steps++);
      this.chain.mine(() => true);
      this.finalize(2);
    }
  }
}
