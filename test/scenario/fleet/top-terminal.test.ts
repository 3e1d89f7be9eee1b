import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  FLEET_MESSAGES,
  LOOKED_AT,
  message,
  sample,
  STATION_MESSAGES,
} from '../../support/fleet/recorded-messages.ts';
import { startFleetBroker, type FleetBroker } from '../../support/fleet/fleet-broker.ts';
import { startTop, type TopProcess } from '../../support/fleet/top-process.ts';

let fleet: FleetBroker;

beforeAll(async () => {
  fleet = await startFleetBroker([...FLEET_MESSAGES, ...STATION_MESSAGES.filter(({ retained }) => retained)]);
});
afterAll(async () => await fleet.stop());

/** Looks at the fleet, and closes the terminal whatever comes of it. */
async function onTerminal(look: (top: TopProcess) => Promise<void>, ...flags: string[]): Promise<void> {
  const top = await startTop(['--broker', fleet.broker.url], flags);
  try {
    // A filter is asked for when what the broker keeps of the one before is in: the meters come last.
    await top.until((screen) => /^▸ FAULT {2}DE-ACME-0001 .* 1\/2 /.test(screen.lines()[4] ?? ''));
    await top.until((screen) => /ok {5}DE-ACME-0003 .* 1\/1 /.test(screen.text()));
    await look(top);
  } finally {
    await top.close();
  }
}

function expectGivenBack(top: TopProcess): void {
  expect(top.mode()).toBe(top.modeBefore);
  expect(top.screen).toMatchObject({ isAlternate: false, hasCursor: true, wraps: true });
}

const countOf = (text: string, part: string): number => text.split(part).length - 1;

describe.concurrent('delmonicos top on a terminal', () => {
  it('lists, filters, looks at a station and its log, follows the size, and gives the terminal back on q', async () => {
    await onTerminal(async (top) => {
      const { screen } = top;
      expect(screen).toMatchObject({ isAlternate: true, hasCursor: false, wraps: false });
      expect(screen.lines()[1]).toBe('5 stations   3 online   2 offline   1 with a fault   1 with a warning');
      top.press('/0003\r');
      await top.until(() => /^▸ ok {5}DE-ACME-0003/.test(screen.lines()[4] ?? ''));
      expect(screen.text()).not.toContain('DE-ACME-0001');
      top.press('\u001b');
      await top.until(() => screen.text().includes('DE-ACME-0001'));
      top.press('\r');
      await top.until(
        () => screen.lines()[0]?.startsWith(LOOKED_AT) === true && /evse2 +silent/.test(screen.text()),
      );
      await fleet.say([message(LOOKED_AT, 'meters/evse1/sample', sample('evse1', 299), { retained: false })]);
      await top.until(() => screen.text().includes('11 040 W'));
      top.press('l');
      await top.until(() => screen.text().includes('l: station'));
      const fields = { x: '\u009b?1049l\r\n' };
      const hostile = { level: 'error', event: '\u001b[2J\u001b[1;1Hgotcha', fields, atMs: 1 };
      await fleet.say([message(LOOKED_AT, 'log', hostile, { retained: false })]);
      await top.until(() => screen.text().includes('gotcha'));
      top.resize(120, 30);
      await top.until(() => screen.lines().length === 30);
      top.press('q');
      expect(await top.endedAndLeft()).toBe(0);
      expectGivenBack(top);
      expect(countOf(screen.bytes, '\u001b[?1049l')).toBe(1);
      expect(top.stderr()).toBe('');
    });
  });

  it('gives the terminal to the shell with ctrl-z, takes it again, and gives it back on SIGTERM', async () => {
    await onTerminal(async (top) => {
      const { screen } = top;
      top.press('\u001a');
      await top.until(
        () =>
          countOf(screen.bytes, '\u001b[?1049l') === 1 && screen.isAlternate && screen.lines().length === 24,
      );
      expect(top.mode()).not.toBe(top.modeBefore);
      top.child.kill('SIGTERM');
      expect(await top.endedAndLeft()).toBe(0);
      expectGivenBack(top);
    });
  });

  it('gives the terminal back when it fails, before the failure is said', async () => {
    const bomb = "data:text/javascript,process.once('SIGUSR2',()=>{throw new Error('bomb')})";
    await onTerminal(
      async (top) => {
        top.child.kill('SIGUSR2');
        expect(await top.endedAndLeft()).toBe(1);
        expectGivenBack(top);
        expect(top.stderr()).toContain('bomb');
      },
      ...['--import', bomb],
    );
  });
});
