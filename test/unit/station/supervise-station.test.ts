import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { StationError, type Log } from '../../../hal/contract/index.ts';
import { RunRequests, Supervisor, type StartOrder, type Station } from '../../../src/station/index.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const broken = (code: string): StationError => new StationError(code, code, { remedy: 'operator' });

/** One supervised life, in which the test says how each start goes; `said` is what anybody could notice, in order. */
function life() {
  const said: string[] = [];
  const made: WeakRef<Station>[] = [];
  const clock = new VirtualClock();
  const requests = new RunRequests();
  const starts: { order: StartOrder; ready: () => void; fail: (error: Error) => void; lose: () => void }[] =
    [];
  const checks: { good: () => void; bad: (error: Error) => void }[] = [];
  const log: Log = (level, event) => void (level === 'error' && said.push(event));
  let text = 0;
  let stopping = Promise.resolve();
  /** The next stop of a station takes until what is returned is called. */
  const stopTakes = (): (() => void) => {
    let done = (): void => {};
    stopping = new Promise((resolve) => (done = resolve));
    return done;
  };
  const start = (order: StartOrder): Promise<Station> => {
    const name =
      order.configuration === undefined ? `config ${++text}` : (order.configuration as unknown as string);
    said.push(`start ${order.configReason} with ${name}`);
    return new Promise((resolve, reject) => {
      let lose = (): void => {};
      const failed = new Promise<StationError>((done) => (lose = () => done(broken('journal.closed'))));
      const ready = (): void => {
        order.onPhase({ phase: 'reading' });
        const facts = () => ({
          meters: [],
          evidence: { oldestWaitingSinceMonoMs: null, refusedBecause: null },
        });
        const station = {
          ...{ configuration: name, facts, failed, flush: () => Promise.resolve() },
          takeIncoming: () => Promise.resolve(),
          noteNotTaken: (error: StationError) => void said.push(`noted ${error.code}`),
          health: () => [],
          stop: async () => {
            said.push(`stop ${name}`);
            await stopping;
          },
        } as unknown as Station;
        made.push(new WeakRef(station));
        resolve(station);
      };
      starts.push({ order, ready, fail: reject, lose });
    });
  };
  const supervisor = new Supervisor({
    check: () =>
      new Promise((resolve, reject) => void checks.push({ good: () => resolve(undefined), bad: reject })),
    ...{ start, requests, clock, log },
    onEvent: (event) => void (event.event === 'reload' && said.push(`reload ${event.outcome}`)),
    notify: {
      ...{ active: true, watchdogMs: undefined },
      ready: () => void said.push('READY'),
      reloading: () => void said.push('RELOADING'),
      stopping: () => void said.push('STOPPING'),
      status: () => {},
      extend: () => {},
      alive: () => {},
    },
  });
  const end = supervisor.run().then(
    (how) => void said.push(`ended: ${how}`),
    (error: StationError) => void said.push(`ended: threw ${error.code}`),
  );
  const settle = (): Promise<void> => clock.advance(0);
  return { said, made, requests, starts, checks, end, settle, clock, stopTakes };
}

async function running() {
  const world = life();
  await world.settle();
  world.starts[0]?.ready();
  await world.settle();
  world.said.length = 0;
  return world;
}

describe('a supervised station', () => {
  it('is ready when it reads, and is stopped in order', async () => {
    const { said, requests, starts, end, settle } = life();
    await settle();
    expect(said).toEqual(['start start with config 1']);
    starts[0]?.ready();
    await settle();
    requests.stop('SIGTERM');
    requests.stop('SIGTERM');
    await end;
    expect(said.slice(1)).toEqual(['READY', 'STOPPING', 'stop config 1', 'ended: stopped']);
  });

  it('that does not start ends with its error', async () => {
    const { said, starts, end, settle } = life();
    await settle();
    starts[0]?.fail(broken('journal.wrong_key'));
    await end;
    expect(said.slice(1)).toEqual(['ended: threw journal.wrong_key']);
  });

  it('that can store nothing any more ends as failed', async () => {
    const { said, starts, end } = await running();
    starts[0]?.lose();
    await end;
    expect(said).toEqual(['station.failed', 'STOPPING', 'stop config 1', 'ended: failed']);
  });
});

describe('a reload', () => {
  it('checks first, then stops what runs and starts anew', async () => {
    const { said, requests, starts, checks, settle } = await running();
    requests.reload('SIGHUP');
    await settle();
    expect(said).toEqual(['RELOADING']);
    checks[0]?.good();
    await settle();
    expect(said.slice(1)).toEqual(['stop config 1', 'start reload with config 2']);
    starts[1]?.ready();
    await settle();
    expect(said.slice(3)).toEqual(['READY', 'reload done']);
  });

  it('of a configuration that is not valid changes nothing', async () => {
    const { said, requests, checks, settle } = await running();
    requests.reload('SIGHUP');
    await settle();
    checks[0]?.bad(broken('config.invalid'));
    await settle();
    expect(said).toEqual([
      ...['RELOADING', 'station.reload_refused', 'reload refused', 'noted config.invalid', 'READY'],
    ]);
  });

  it('that the station does not start with goes back to the configuration before', async () => {
    const { said, requests, starts, checks, settle } = await running();
    requests.reload('SIGHUP');
    await settle();
    checks[0]?.good();
    await settle();
    starts[1]?.fail(broken('identity.seed_missing'));
    await settle();
    starts[2]?.ready();
    await settle();
    expect(said).toEqual([
      ...[
        'RELOADING',
        'stop config 1',
        'start reload with config 2',
        'station.reload_failed',
        'reload failed',
      ],
      ...['start reload-failed with config 1', 'READY'],
    ]);
  });

  it('after which nothing starts any more ends as failed', async () => {
    const { said, requests, starts, checks, settle, end } = await running();
    requests.reload('SIGHUP');
    await settle();
    checks[0]?.good();
    await settle();
    starts[1]?.fail(broken('identity.seed_missing'));
    await settle();
    starts[2]?.fail(broken('identity.seed_missing'));
    await end;
    expect(said.slice(-4)).toEqual([
      ...['start reload-failed with config 1', 'station.not_restored', 'STOPPING', 'ended: failed'],
    ]);
  });

  it('that is asked for twice at once is one; one that is asked for while it is under way is another', async () => {
    const { said, requests, starts, checks, settle } = await running();
    requests.reload('SIGHUP');
    requests.reload('SIGHUP');
    await settle();
    checks[0]?.good();
    await settle();
    for (let i = 0; i < 5; i++) requests.reload('SIGHUP');
    starts[1]?.ready();
    await settle();
    expect(said.filter((word) => word === 'RELOADING')).toHaveLength(2);
    checks[1]?.bad(broken('config.invalid'));
    await settle();
    expect(said.filter((word) => word === 'RELOADING')).toHaveLength(2);
    expect(checks).toHaveLength(2);
  });

  it('that is asked for during the start is made after it', async () => {
    const { said, requests, starts, settle } = life();
    await settle();
    requests.reload('SIGHUP');
    await settle();
    expect(said).toEqual(['start start with config 1']);
    starts[0]?.ready();
    await settle();
    expect(said.slice(1)).toEqual(['READY', 'RELOADING']);
  });
});

describe('a station that was stopped for a reload', () => {
  it('is let go, and nothing of it waits for a stop that may be months away', async () => {
    const world = await running();
    for (let i = 1; i <= 5; i++) {
      world.requests.reload('SIGHUP');
      await world.settle();
      world.checks[i - 1]?.good();
      await world.settle();
      world.starts[i]?.ready();
      await world.settle();
    }
    expect(world.made).toHaveLength(6);
    const gone = (): boolean[] => world.made.map((station) => station.deref() === undefined);
    world.starts.length = 0;
    await expect.poll(() => (collectGarbage(), gone())).toEqual([true, true, true, true, true, false]);
  });
});

describe('a stop while something else is under way wins', () => {
  it('over the check of a reload', async () => {
    const { said, requests, checks, settle, end } = await running();
    requests.reload('SIGHUP');
    await settle();
    requests.stop('SIGTERM');
    checks[0]?.good();
    await end;
    expect(said).toEqual(['RELOADING', 'STOPPING', 'stop config 1', 'ended: stopped']);
  });

  it('over the start of a reload that has not begun', async () => {
    const { said, requests, checks, settle, end, stopTakes } = await running();
    requests.reload('SIGHUP');
    await settle();
    const stopped = stopTakes();
    checks[0]?.good();
    await settle();
    requests.stop('SIGTERM');
    stopped();
    await end;
    expect(said).toEqual(['RELOADING', 'stop config 1', 'STOPPING', 'ended: stopped']);
  });

  it('over the start of a reload, which is waited for and stopped', async () => {
    const { said, requests, starts, checks, settle, end } = await running();
    requests.reload('SIGHUP');
    await settle();
    checks[0]?.good();
    await settle();
    requests.stop('SIGTERM');
    await settle();
    starts[1]?.ready();
    await end;
    expect(said.filter((word) => word !== 'READY' && word !== 'STOPPING')).toEqual([
      ...['RELOADING', 'stop config 1', 'start reload with config 2', 'stop config 2', 'ended: stopped'],
    ]);
  });

  it.each(['first start', 'start of a reload'])(
    'over a %s that takes minutes, which is given up',
    async (which) => {
      const world = which === 'first start' ? life() : await running();
      const { said, requests, checks, settle, end, clock } = world;
      await settle();
      if (which !== 'first start') {
        requests.reload('SIGHUP');
        await settle();
        checks[0]?.good();
        await settle();
      }
      requests.stop('SIGTERM');
      await clock.advance(9_999);
      expect(said.at(-1)).toBe('STOPPING');
      await clock.advance(1);
      await end;
      expect(said.at(-1)).toBe('ended: stopped');
    },
  );

  it('over a start that fails meanwhile', async () => {
    const { said, requests, starts, settle, end } = life();
    await settle();
    requests.stop('SIGTERM');
    await settle();
    starts[0]?.fail(broken('journal.io'));
    await end;
    expect(said.at(-1)).toBe('ended: stopped');
  });
});
