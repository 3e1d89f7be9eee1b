import type { CommandBody } from '../journal/index.ts';
import type { Judgement } from './command-gate.ts';
import type { RemoteErrorCode } from './errors.ts';

/** How often the journal takes an entry of refusals alike. */
export interface RefusalPace {
  /** After an entry no other of its code for so long. */
  readonly firstMs: number;
  /** Each one that follows doubles that, up to here. */
  readonly mostMs: number;
  /** Without a refusal of the code for so long it begins anew. */
  readonly quietMs: number;
}

/**
 * Entries of this kind never give way in the journal, and a stranger can cause them: in a day at most some thirty of one code,
 * however many there were. The count in them is exact.
 */
export const REFUSAL_PACE: RefusalPace = { firstMs: 60_000, mostMs: 3_600_000, quietMs: 86_400_000 };

type Refused = Extract<Judgement, { verdict: 'refused' }>;

interface Account {
  /** Until then they are counted only. */
  silentUntilMonoMs: number;
  silenceMs: number;
  lastMonoMs: number;
  /** Not on record yet; the newest stands for all. */
  open: { readonly count: number; readonly newest: Refused } | undefined;
}

/** Puts refusals together by their code. One account a code: its memory is bounded by the list of codes. */
export class RefusalLedger {
  readonly #pace: RefusalPace;
  readonly #accounts = new Map<RemoteErrorCode, Account>();

  constructor(pace: RefusalPace = REFUSAL_PACE) {
    this.#pace = pace;
  }

  /** Counts a refusal. An entry to append now, or undefined: it is in one that comes later. */
  add(refused: Refused, nowMonoMs: number): CommandBody | undefined {
    const account = this.#account(refused.code, nowMonoMs);
    account.lastMonoMs = nowMonoMs;
    account.open = { count: (account.open?.count ?? 0) + 1, newest: refused };
    return nowMonoMs < account.silentUntilMonoMs ? undefined : this.#written(account, nowMonoMs);
  }

  /** Entries for what was counted and whose time has come. */
  due(nowMonoMs: number): readonly CommandBody[] {
    return [...this.#accounts.values()]
      .filter(({ open, silentUntilMonoMs }) => open !== undefined && nowMonoMs >= silentUntilMonoMs)
      .flatMap((account) => this.#written(account, nowMonoMs) ?? []);
  }

  /** When `due` has something; undefined: all is on record. */
  nextDueMonoMs(): number | undefined {
    const times = [...this.#accounts.values()].flatMap(({ open, silentUntilMonoMs }) =>
      open === undefined ? [] : [silentUntilMonoMs],
    );
    return times.length === 0 ? undefined : Math.min(...times);
  }

  /** Everything that is not on record yet, for when the service stops. */
  rest(nowMonoMs: number): readonly CommandBody[] {
    return [...this.#accounts.values()].flatMap((account) => this.#written(account, nowMonoMs) ?? []);
  }

  #account(code: RemoteErrorCode, nowMonoMs: number): Account {
    const { firstMs, quietMs } = this.#pace;
    const known = this.#accounts.get(code);
    if (known !== undefined && nowMonoMs - known.lastMonoMs < quietMs) return known;
    const account = {
      ...{ silentUntilMonoMs: nowMonoMs, silenceMs: firstMs, lastMonoMs: nowMonoMs },
      open: known?.open,
    };
    this.#accounts.set(code, account);
    return account;
  }

  #written(account: Account, nowMonoMs: number): CommandBody | undefined {
    const { open, silenceMs } = account;
    if (open === undefined) return undefined;
    account.open = undefined;
    account.silentUntilMonoMs = nowMonoMs + silenceMs;
    account.silenceMs = Math.min(2 * silenceMs, this.#pace.mostMs);
    const { command, operator, digest, code } = open.newest;
    const who = operator === undefined ? {} : { operator };
    return { command, ...who, digest, outcome: 'refused', code, count: open.count };
  }
}
