import type { CommandName, CommandParameters } from '../../remote/index.ts';

/**
 * Carries out a command that was judged and journaled, and resolves with the result of the last part; parts before it go out
 * through `answer.part`. Nothing here may keep metering waiting: a handler awaits between pieces of work of a few milliseconds.
 * What it throws ends the answer: a StationError with its code, anything else as `internal`, told in the log only.
 */
export type Handler<Name extends CommandName> = (
  parameters: CommandParameters[Name],
  answer: Answer,
) => Promise<object>;

export type Handlers = { readonly [Name in CommandName]: Handler<Name> };

/** What a handler has for answering one command. */
export interface Answer {
  /** The command's nonce, 32 hexadecimal digits: names the request in every part, and on topics of its own. */
  readonly request: string;
  /** Name of the operator's key. */
  readonly operator: string;
  /**
   * Sends one part, numbered in the order of the calls; resolves when telemetry has taken it, so that whoever awaits it
   * never has more than one waiting. Rejects with the signal's reason once that is aborted.
   * @param result at most `MAX_RESULT_BYTES` of JSON
   * @throws RangeError when it is larger
   */
  part(result: object): Promise<void>;
  /** Aborted when the command's time is over or the station stops or starts anew: whoever waits ends, with its reason. */
  readonly signal: AbortSignal;
}

/** Of JSON, of one part's result: with what is around it a part stays within telemetry's 16 KiB. */
export const MAX_RESULT_BYTES = 15 * 1_024;
