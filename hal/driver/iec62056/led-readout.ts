import { unreachable } from '../../contract/index.ts';
import { sevenBitText } from './byte-buffer.ts';
import { parseIdentification, readoutMode, type Identification, type ReadoutMode } from './identification.ts';
import { withEvenParity } from './parity.ts';
import { MAX_TELEGRAM_BYTES } from './framing.ts';
import { decodeIec62056Capture } from './receiver.ts';
import type { Iec62056Telegram } from './telegram.ts';

/** How this side leads a readout; every duration and count has a sensible default. */
export interface ReadoutOptions {
  /** Address of one meter among several on a line (`/?<address>!`); empty for the only one. */
  readonly deviceAddress?: string;
  /** Rate of the sign-on: 300 by the standard; meters wired with RS-485 often keep one rate. */
  readonly initialBaudRate?: number;
  /** Highest rate that the port or the optical head can do. */
  readonly maxBaudRate?: number;
  /** The port has eight bits and no parity: parity is put into the characters sent here. */
  readonly parityInBytes?: boolean;
  /** How often the sign-on is sent at most. */
  readonly attempts?: number;
  /** How often a damaged data block is asked for again. */
  readonly repetitions?: number;
}

/**
 * What the outside does, one after the other. A `send` is over when its last bit has left the port; a `pause` leaves the
 * meter its reaction time; a `timer` replaces the one before it.
 */
export type ReadoutEffect =
  | { readonly kind: 'baudRate'; readonly baudRate: number }
  | { readonly kind: 'pause'; readonly durationMs: number }
  | { readonly kind: 'send'; readonly bytes: Uint8Array }
  | { readonly kind: 'timer'; readonly durationMs: number }
  | { readonly kind: 'done'; readonly telegram: Iec62056Telegram }
  | { readonly kind: 'failed'; readonly code: 'meter.timeout' | 'meter.bad_frame'; readonly why: string };

export type ReadoutEvent =
  { readonly kind: 'bytes'; readonly bytes: Uint8Array } | { readonly kind: 'timer' };

export interface ReadoutState {
  readonly options: Required<ReadoutOptions>;
  readonly phase:
    | { readonly kind: 'identifying' }
    | { readonly kind: 'reading'; readonly repetitions: number; readonly mode: ReadoutMode['mode'] }
    | { readonly kind: 'over' };
  readonly attempt: number;
  /** Everything since the last message that was sent. */
  readonly received: Uint8Array;
  /** The identification, CR LF included, as it was received. */
  readonly header: Uint8Array;
}

export interface ReadoutStep {
  readonly state: ReadoutState;
  readonly effects: readonly ReadoutEffect[];
}

/** IEC 62056-21 §6.4.3: a meter answers after 200 ms (20 ms where its third letter is lower-case) to 1,500 ms. */
const REACTION_MS = 1500;
const SLOW_PAUSE_MS = 200;
const FAST_PAUSE_MS = 20;
/** The same clause: at most 1,500 ms between two characters of a message. */
const CHARACTER_GAP_MS = 1500;
/** Room for the port's driver and the optical head's own delay. */
const MARGIN_MS = 300;

/** Echo, noise and identification together. */
const MAX_SIGN_ON_BYTES = 1024;

const NOTHING = new Uint8Array(0);
const LF = 0x0a;
const ETX = 0x03;
const ACK = 0x06;
const NAK = 0x15;

/** Modes A, B and C: signs on, follows the rate that the meter offers, reads its data block, asks again when it is damaged. */
export function startReadout(options: ReadoutOptions = {}): ReadoutStep {
  return signOn({
    options: {
      deviceAddress: '',
      initialBaudRate: 300,
      maxBaudRate: 19_200,
      parityInBytes: false,
      attempts: 3,
      repetitions: 2,
      ...options,
    },
    phase: { kind: 'identifying' },
    attempt: 0,
    received: NOTHING,
    header: NOTHING,
  });
}

/** Pure: the same state and event give the same step. A state that is over stays so. */
export function stepReadout(state: ReadoutState, event: ReadoutEvent): ReadoutStep {
  switch (state.phase.kind) {
    case 'over':
      return { state, effects: [] };
    case 'identifying':
      return event.kind === 'timer'
        ? signOnAgain(state, 'meter.timeout', 'the meter did not identify itself')
        : stepIdentifying(appended(state, event.bytes), event.bytes);
    case 'reading':
      return event.kind === 'timer'
        ? stepReadingTimer(state, state.phase.repetitions)
        : stepReading(appended(state, event.bytes), event.bytes);
    default:
      return unreachable(state.phase);
  }
}

function signOn(state: ReadoutState): ReadoutStep {
  const { options } = state;
  return {
    state: {
      ...state,
      phase: { kind: 'identifying' },
      attempt: state.attempt + 1,
      received: NOTHING,
      header: NOTHING,
    },
    effects: [
      { kind: 'baudRate', baudRate: options.initialBaudRate },
      send(options, Buffer.from(`/?${options.deviceAddress}!\r\n`, 'ascii')),
      { kind: 'timer', durationMs: REACTION_MS + MARGIN_MS },
    ],
  };
}

function signOnAgain(
  state: ReadoutState,
  code: 'meter.timeout' | 'meter.bad_frame',
  why: string,
): ReadoutStep {
  if (state.attempt < state.options.attempts) {
    const again = signOn(state);
    // What the meter may still be sending must end before it can hear.
    return { ...again, effects: [{ kind: 'pause', durationMs: CHARACTER_GAP_MS }, ...again.effects] };
  }
  return over(state, { kind: 'failed', code, why });
}

function stepIdentifying(state: ReadoutState, news: Uint8Array): ReadoutStep {
  if (state.received.length > MAX_SIGN_ON_BYTES) {
    return signOnAgain(state, 'meter.bad_frame', 'noise, and no identification in it');
  }
  const found = news.some((byte) => (byte & 0x7f) === LF) ? findIdentification(state.received) : null;
  if (found === null) return { state, effects: [wait()] };
  const { identification, header, rest } = found;
  const offered = readoutMode(identification);
  const reading: ReadoutState = {
    ...state,
    phase: { kind: 'reading', repetitions: 0, mode: offered.mode },
    received: rest,
    header,
  };
  const timer: ReadoutEffect = { kind: 'timer', durationMs: REACTION_MS + MARGIN_MS };
  switch (offered.mode) {
    case 'A':
      return stepReading(reading, rest);
    case 'B':
      return { state: reading, effects: [{ kind: 'baudRate', baudRate: offered.baudRate }, timer] };
    case 'C': {
      const { character, baudRate } = agreedRate(offered, state.options);
      const acknowledgement = Uint8Array.of(ACK, 0x30, character.charCodeAt(0), 0x30, 0x0d, LF);
      return {
        state: reading,
        effects: [
          { kind: 'pause', durationMs: pauseFor(identification) },
          send(state.options, acknowledgement),
          { kind: 'baudRate', baudRate },
          timer,
        ],
      };
    }
    default:
      return unreachable(offered);
  }
}

/** The meter's offer, or the highest rate below it that the port can do (§6.3.14: any lower character may be sent). */
function agreedRate(
  offered: ReadoutMode & { mode: 'C' },
  { maxBaudRate }: Required<ReadoutOptions>,
): { character: string; baudRate: number } {
  for (let code = Number(offered.baudCharacter); code > 0; code--) {
    const mode = readoutMode({ manufacturer: '', model: '', baudCharacter: String(code) });
    if (mode.mode === 'C' && mode.baudRate <= maxBaudRate) {
      return { character: mode.baudCharacter, baudRate: mode.baudRate };
    }
  }
  return { character: '0', baudRate: 300 };
}

function pauseFor({ manufacturer }: Identification): number {
  return /[a-z]$/.test(manufacturer) ? FAST_PAUSE_MS : SLOW_PAUSE_MS;
}

/** An optical head echoes the sign-on; whatever precedes the first identification is passed over. */
function findIdentification(
  received: Uint8Array,
): { identification: Identification; header: Uint8Array; rest: Uint8Array } | null {
  let start = 0;
  for (let i = 0; i < received.length; i++) {
    if (((received[i] ?? 0) & 0x7f) !== LF) continue;
    const text = sevenBitText(received.subarray(start, i)).replace(/\r+$/, '');
    const slash = text.lastIndexOf('/');
    const identification = slash < 0 ? null : parseIdentification(text.slice(slash));
    if (identification !== null) {
      return { identification, header: received.slice(start + slash, i + 1), rest: received.slice(i + 1) };
    }
    start = i + 1;
  }
  return null;
}

function stepReading(state: ReadoutState, news: Uint8Array): ReadoutStep {
  if (state.received.length > MAX_TELEGRAM_BYTES) {
    return over(state, { kind: 'failed', code: 'meter.bad_frame', why: 'the meter sends without end' });
  }
  // The block check is one character after the ETX, which may have come with the bytes before.
  const mayBeWhole = news.some((byte) => (byte & 0x7f) === ETX) || endedBefore(state.received, news);
  const telegram = mayBeWhole ? wholeTelegram(state) : undefined;
  if (telegram === undefined) return { state, effects: [wait()] };
  if (telegram.ok) return over(state, { kind: 'done', telegram });
  return repeat(state, telegram.why ?? 'its data block was damaged');
}

function endedBefore(received: Uint8Array, news: Uint8Array): boolean {
  return ((received.at(-news.length - 1) ?? 0) & 0x7f) === ETX;
}

function wholeTelegram({ header, received }: ReadoutState): Iec62056Telegram | undefined {
  const telegrams = decodeIec62056Capture(joined(header, received));
  const last = telegrams.at(-1);
  return last === undefined || last.code === 'iec62056.cut' || (last.ok && !last.checked) ? undefined : last;
}

function stepReadingTimer(state: ReadoutState, repetitions: number): ReadoutStep {
  if (state.received.length === 0 && repetitions === 0) {
    // The acknowledgement was lost, or the change of rate failed: both sides meet again at the sign-on.
    return signOnAgain(state, 'meter.timeout', 'the meter identified itself and then sent no data');
  }
  return repeat(state, 'its data block did not arrive whole');
}

/** NAK: the meter sends its last block again (§6.3.12). */
function repeat(state: ReadoutState, why: string): ReadoutStep {
  if (state.phase.kind !== 'reading' || state.phase.repetitions >= state.options.repetitions) {
    return signOnAgain(state, 'meter.bad_frame', why);
  }
  return {
    state: {
      ...state,
      phase: { ...state.phase, repetitions: state.phase.repetitions + 1 },
      received: NOTHING,
    },
    effects: [
      { kind: 'pause', durationMs: SLOW_PAUSE_MS },
      send(state.options, Uint8Array.of(NAK)),
      { kind: 'timer', durationMs: REACTION_MS + MARGIN_MS },
    ],
  };
}

function over(state: ReadoutState, effect: ReadoutEffect): ReadoutStep {
  return { state: { ...state, phase: { kind: 'over' }, received: NOTHING }, effects: [effect] };
}

function appended(state: ReadoutState, bytes: Uint8Array): ReadoutState {
  return { ...state, received: joined(state.received, bytes) };
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function wait(): ReadoutEffect {
  return { kind: 'timer', durationMs: CHARACTER_GAP_MS + MARGIN_MS };
}

function send(options: Required<ReadoutOptions>, bytes: Uint8Array): ReadoutEffect {
  return { kind: 'send', bytes: options.parityInBytes ? withEvenParity(bytes) : bytes };
}
