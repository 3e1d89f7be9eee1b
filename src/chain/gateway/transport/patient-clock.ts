import { performance } from 'node:perf_hooks';

const LOOK_EVERY_MS = 250;
/** A link that is not slow has carried everything by then. */
const GRACE_MS = 8_000;
const WINDOW_MS = 10_000;
/** In each half of the window: what came in one burst came over a link that is fast; GPRS has more than this. */
const MIN_BYTES_IN_HALF = 3_000;
/** smoldot gives a parachain's runtime 60 s and a connection's ping 10 s. So much longer is enough for 2 MB at 20 kbit/s. */
const LOADING_PATIENCE = 12;
/** A handshake takes about seven round trips, for which smoldot has 8 s. */
const FAR_MS = 450;
const FAR_PATIENCE = 4;

export interface WatchedLink {
  /** How much has come so far. */
  readonly bytesIn: () => number;
  /** Whether there is a peer to load from, and something to load. */
  readonly isLoading: () => boolean;
  /** How long the first answer took; undefined: there was none. */
  readonly greetingMs: () => number | undefined;
}

/**
 * The clock that smoldot measures its time-outs with. They are constants in its WebAssembly, chosen for links that are not
 * slow: on one of 64 kbit/s it drops the connection while the parachain's runtime is still coming, and begins anew, for
 * ever; over a satellite no handshake ends in time. So while data keep coming that nobody could have waited for less long,
 * its clock goes slower; what is silent is given up as fast as ever. Only how long things take is concerned: the time of
 * day is another clock.
 */
export class PatientClock {
  readonly #link: WatchedLink;
  readonly #real: () => number;
  readonly #timer: NodeJS.Timeout;
  readonly #startedMs: number;
  readonly #samples: { readonly atMs: number; readonly bytesIn: number }[] = [];
  #rate = 1;
  #lastRealMs: number;
  #toldMs: number;

  /** `realMs`: a monotonic clock. */
  constructor(link: WatchedLink, realMs: () => number) {
    this.#link = link;
    this.#real = realMs;
    this.#startedMs = this.#lastRealMs = this.#toldMs = realMs();
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
  }

  /** Milliseconds, never less than before. */
  now(): number {
    const realMs = this.#real();
    this.#toldMs += (realMs - this.#lastRealMs) * this.#rate;
    this.#lastRealMs = realMs;
    return this.#toldMs;
  }

  /** Whether it goes slower just now. */
  get isPatient(): boolean {
    return this.#rate < 1;
  }

  look(): void {
    const atMs = this.#real();
    this.now();
    this.#samples.push({ atMs, bytesIn: this.#link.bytesIn() });
    while ((this.#samples[1]?.atMs ?? Infinity) <= atMs - WINDOW_MS) this.#samples.shift();
    this.#rate = 1 / this.#patience(atMs);
  }

  #patience(atMs: number): number {
    const earlier = this.#cameSince(atMs - WINDOW_MS, atMs - WINDOW_MS / 2);
    const lately = this.#cameSince(atMs - WINDOW_MS / 2, atMs);
    const keepsComing = atMs - this.#startedMs >= GRACE_MS && Math.min(earlier, lately) >= MIN_BYTES_IN_HALF;
    if (keepsComing && this.#link.isLoading()) return LOADING_PATIENCE;
    const isFar = (this.#link.greetingMs() ?? 0) >= FAR_MS;
    return isFar && earlier + lately > 0 ? FAR_PATIENCE : 1;
  }

  #cameSince(fromMs: number, untilMs: number): number {
    const at = (ms: number): number => this.#samples.findLast(({ atMs }) => atMs <= ms)?.bytesIn ?? 0;
    return at(untilMs) - at(fromMs);
  }

  /** Ends its patience for good; it goes on from where it is, because a jump would end what waits. */
  stop(): void {
    clearInterval(this.#timer);
    this.now();
    this.#rate = 1;
  }
}

const realNow = performance.now.bind(performance);

/** Makes one the clock of everything in this process that asks `performance.now()`, as smoldot does. */
export function installPatientClock(link: WatchedLink): PatientClock {
  const clock = new PatientClock(link, realNow);
  Object.defineProperty(performance, 'now', { value: () => clock.now(), configurable: true, writable: true });
  return clock;
}
