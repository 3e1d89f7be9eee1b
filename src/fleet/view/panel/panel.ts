import type { Fleet } from '../model/fleet.ts';
import type { StationSummary } from '../model/station-summary.ts';
import { inOrder, type Totals } from '../model/trouble.ts';
import { FLEET_CHROME, fleetScreen, type LinkView, type Size } from '../screen/fleet-screen.ts';
import { helpScreen } from '../screen/help-screen.ts';
import type { Line } from '../screen/lines.ts';
import {
  STATION_CHROME,
  stationScreen,
  stationScrollRange,
  type StationView,
} from '../screen/station-screen.ts';
import { panelAt, panelStep, selectedIndex, topFor, type PanelState, type PanelStep } from './panel-state.ts';
import type { Key } from './keys.ts';

/** A fleet, what is looked at of it, and the screen that both make. No I/O and no clock. */
export class Panel {
  readonly #fleet: Fleet;
  #state: PanelState;
  #top = 0;
  #order: { revision: number; filter: string; list: readonly StationSummary[]; totals: Totals } | undefined;

  constructor(fleet: Fleet, station: string | null) {
    this.#fleet = fleet;
    this.#state = panelAt(station);
  }

  /** The station that is to be listened to; null: the list. */
  get station(): string | null {
    return this.#state.station;
  }

  /** Does what a key means on a screen of that size. */
  press(key: Key, size: Size, link: LinkView, nowMs: number): PanelStep['effect'] {
    const isFleet = this.#state.page === 'fleet';
    const { state, effect } = panelStep(this.#state, key, {
      names: isFleet ? this.#ordered().list.map(({ name }) => name) : [],
      pageRows: Math.max(1, size.rows - (isFleet ? FLEET_CHROME : STATION_CHROME)),
      scrollRange: isFleet ? 0 : stationScrollRange(this.#stationView(link, nowMs), size),
    });
    this.#state = state;
    return effect;
  }

  screen(size: Size, link: LinkView, nowMs: number): Line[] {
    if (this.#state.isHelp) return helpScreen(size);
    if (this.#state.page !== 'fleet') return stationScreen(this.#stationView(link, nowMs), size);
    const { list, totals } = this.#ordered();
    const names = list.map(({ name }) => name);
    const selected = selectedIndex(this.#state, names);
    this.#top = topFor(selected, this.#top, Math.max(1, size.rows - FLEET_CHROME), list.length);
    const { filter, isTyping } = this.#state;
    return fleetScreen(
      { link, list, totals, heard: this.#fleet.heard, filter, isTyping, selected, top: this.#top, nowMs },
      size,
    );
  }

  #stationView(link: LinkView, nowMs: number): StationView {
    const { station, page, scrolled } = this.#state;
    const name = station ?? '';
    return {
      ...{ link, name, nowMs, scrolled, page: page === 'log' ? 'log' : 'station' },
      ...{ summary: this.#fleet.station(name), detail: this.#fleet.detail },
    };
  }

  #ordered(): { readonly list: readonly StationSummary[]; readonly totals: Totals } {
    const { revision } = this.#fleet;
    const { filter } = this.#state;
    if (this.#order?.revision !== revision || this.#order.filter !== filter)
      this.#order = { revision, filter, ...inOrder(this.#fleet.stations(), filter) };
    return this.#order;
  }
}
