// One boot of a station, as an OEM's image boots it, and what then happens to the service. The steps build on each other.
import { base58 } from '@scure/base';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Devnet } from '../devnet/index.ts';
import { BootedStation, patience, STATE } from './rig/booted-station.ts';
import { ChargingSite } from './rig/charging-site.ts';
import { newDataPartition } from './rig/data-partition.ts';
import { Seen } from './rig/seen.ts';

interface SyncDocument {
  readonly lastAnchor: { readonly size: number; readonly block: number } | null;
}

interface StatusDocument {
  readonly status: string;
  readonly reason?: string;
}

const CORE = 'delmonicos.service';
const CONFIG = '/etc/delmonicos/station.yaml';
/** CAP_* sets in /proc/PID/status. */
const NO_CAPABILITIES = '0000000000000000';

describe('a station booted under systemd', () => {
  const seen = new Seen('a station booted under systemd');
  let site: ChargingSite;
  let station: BootedStation;
  let devnet: Devnet;

  beforeAll(async () => {
    site = await ChargingSite.start();
    const data = { image: newDataPartition(site.stationYaml()) };
    station = await BootedStation.boot(site, { data });
  });
  beforeEach(({ onTestFailed }) => {
    onTestFailed(async () => void process.stdout.write(`${await station.recentLog()}\n`));
  });
  afterAll(async () => {
    await station?.machine.stop();
    await site?.stop();
  });

  it('is READY by its own word, and a signed reading is on disk seconds after the kernel began', async () => {
    await station.active(120_000);
    await site.published('meters/evse1/sample', () => true, { since: 0, timeoutMs: patience(30_000) });
    seen.add('from switching on to the first reading at the broker', since(station.machine.startedAt));
    expect(await station.property('Type')).toBe('notify');
    expect(await station.property('NotifyAccess')).toBe('main');
    const activeUs = Number(await station.property('ActiveEnterTimestampMonotonic'));
    const beganUs = Number(await station.property('ExecMainStartTimestampMonotonic'));
    seen.add('READY, after the kernel began', ms(activeUs / 1_000));
    seen.add('READY, after the service was started', ms((activeUs - beganUs) / 1_000));
    const first = await station.ask(
      `runuser -u delmonicos -- delmonicos journal export ${STATE} --format jsonl | grep -m1 '"kind":"reading"'`,
    );
    const { sinceBootMs, bootCount } = JSON.parse(first) as { sinceBootMs: number; bootCount: number };
    expect(bootCount).toBe(1);
    seen.add('first signed reading, after the kernel began', ms(sinceBootMs));
    // It is told READY when it reads: neither long before nor long after.
    expect(Math.abs(sinceBootMs - activeUs / 1_000)).toBeLessThan(patience(15_000));
    seen.add('STATUS', await station.property('StatusText'));
  });

  it('scores at most 1.5 in systemd-analyze security, core and gateway', async () => {
    for (const unit of [CORE, 'delmonicos-gateway@.service']) {
      const report = await station.machine.shell.run(`systemd-analyze security --no-pager ${unit}`);
      const [, score = 'none'] = /Overall exposure level for \S+: ([\d.]+)/.exec(report.stdout) ?? [];
      seen.add(`exposure of ${unit}`, score);
      expect(Number(score)).toBeLessThanOrEqual(1.5);
    }
  });

  it('runs as its own user in dialout alone, without a capability, under a system call filter', async () => {
    const status = await station.ask(`cat /proc/${await station.corePid()}/status`);
    const field = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
    const uid = await station.ask('id -u delmonicos');
    const groups = await station.ask('id -g delmonicos; getent group dialout | cut -d: -f3');
    expect(uid).not.toBe('0');
    expect(field('Uid').split('\t')).toEqual([uid, uid, uid, uid]);
    expect(field('Groups').trim().split(' ').sort()).toEqual(groups.split('\n').sort());
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'])
      expect(field(set)).toBe(NO_CAPABILITIES);
    expect(field('NoNewPrivs')).toBe('1');
    expect(field('Seccomp')).toBe('2');
    seen.add('the core runs as', await station.ask('id delmonicos'));
    seen.add('capabilities', `${field('CapEff')} (bounding set ${field('CapBnd')})`);
    seen.add('system call filters', field('Seccomp_filters'));
  });

  it('can write its state and open its serial port, and nothing else', async () => {
    // Permissions out of the way: what refuses is the sandbox.
    const devices = [
      '/dev/vda',
      '/dev/vdb',
      '/dev/kmsg',
      '/dev/mem',
      '/dev/virtio-ports/agent',
      '/dev/hwrng',
    ];
    const lines = (await probeSandbox(station, devices)).split('\n');
    const outcome = new Map(lines.map((line) => [line.split(': ')[0], line.split(': ')[1] ?? '']));
    const allowed = [...outcome].filter(([, what]) => what === 'allowed').map(([what]) => what);
    expect(allowed).toEqual(['write into its state', 'open the serial bus']);
    expect(outcome.size).toBeGreaterThan(20);
    for (const [what, came] of outcome) seen.add(`tried: ${what}`, came);
  });

  it('refuses a bad configuration on SIGHUP and goes on with the one it has', async () => {
    const pid = await station.corePid();
    const good = await station.ask(`cat ${CONFIG}`);
    await station.ask(`echo 'meters: nonsense' >${CONFIG}`);
    await station.machine.shell.run(`systemctl reload ${CORE}`);
    await station.until(`systemctl show --value -p StatusText ${CORE} | grep -q 'not in force'`);
    await site.published('meters/evse1/sample', undefined, { timeoutMs: patience(30_000) });
    expect(await station.corePid()).toBe(pid);
    seen.add('a bad configuration', await station.property('StatusText'));
    await station.ask(`cat >${CONFIG} <<'END'\n${good}\nEND`);
  });

  it('puts a new configuration in force on SIGHUP, in the same process', async () => {
    const pid = await station.corePid();
    const account = await station.ask('cat /var/lib/delmonicos-provision/account.txt');
    // SS58 with a prefix of one byte: prefix, public key, two bytes of checksum.
    devnet = await site.startChain(base58.decode(account).subarray(1, 33));
    const text = site.stationYaml(site.chainSection(devnet));
    await station.ask(`cat >${CONFIG} <<'END'\n${text}\nEND\nsystemctl reload ${CORE}`);
    await station.active();
    const anchored = await anchoredBeyond(site, 0);
    expect(await station.corePid()).toBe(pid);
    seen.add('a new configuration', `in force in the same process; anchored ${anchored} entries`);
  });

  it('keeps the gateway in a unit of its own, as another user that can see no key', async () => {
    const gateway = await station.gateway();
    expect(gateway).toMatch(/^delmonicos-gateway@/);
    const pid = await station.property('MainPID', gateway);
    const users = await station.ask(`id -u delmonicos-gateway; awk '/^Uid/ {print $2}' /proc/${pid}/status`);
    const [expected, actual] = users.split('\n');
    expect(actual).toBe(expected);
    expect(await station.ask(`id -Gn delmonicos-gateway`)).toBe('delmonicos-gateway');
    const look = await station.machine.shell.run(`nsenter -t ${pid} -m -S ${actual} ls ${STATE}`);
    expect(look.status).not.toBe(0);
    seen.add('the gateway', `${gateway}, user ${actual}; of the state it sees: ${look.stderr.trim()}`);
  });

  it('survives a SIGKILL of the gateway, and goes on anchoring with another one', async () => {
    const core = await station.corePid();
    const before = await anchoredBeyond(site, 0);
    const gateway = await station.gateway();
    await station.ask(`systemctl kill --signal=KILL '${gateway}'`);
    const after = await anchoredBeyond(site, before);
    expect(await station.corePid()).toBe(core);
    expect(await station.gateway()).not.toBe(gateway);
    seen.add('SIGKILL of the gateway', `core ${core} goes on; anchored ${before}, then ${after} entries`);
  });

  it('survives the gateway being killed at its memory bound', async () => {
    const core = await station.corePid();
    const since = await station.ask('date +%s');
    const before = await anchoredBeyond(site, 0);
    const gateway = await station.gateway();
    await station.ask(`systemctl set-property --runtime '${gateway}' MemoryMax=24M`);
    await station.until(`journalctl -b --since=@${since} -u '${gateway}' | grep -q 'oom-kill'`);
    const after = await anchoredBeyond(site, before);
    expect(await station.corePid()).toBe(core);
    seen.add(
      'the gateway at its memory bound',
      `killed (oom-kill); core ${core} goes on; anchored ${after} entries`,
    );
  });

  it('is killed by the watchdog when it is stopped dead, and comes back with its journal verified', async () => {
    const pid = await station.corePid();
    await comesBack(`kill -STOP ${pid}`, 'a core stopped by SIGSTOP');
  });

  it('is killed by the watchdog when its event loop is blocked, and comes back with its journal verified', async () => {
    const pid = await station.corePid();
    await comesBack(blockEventLoop(pid), 'a core whose event loop is blocked');
  });

  it('is given up after too many deaths, and started anew by the timer that its failure has started', async () => {
    const began = performance.now();
    await station.ask(`systemctl reset-failed ${CORE}`);
    await station.until(
      `systemctl is-failed --quiet ${CORE} || { systemctl kill --signal=KILL ${CORE}; false; }`,
      120_000,
    );
    // Result= says how it died, not that it is given up (systemd 252).
    await station.until(`journalctl -b --no-pager -u ${CORE} | grep -q 'Start request repeated too quickly'`);
    const starts = await station.property('NRestarts');
    await station.until(`systemctl is-active --quiet delmonicos-retry.timer`);
    const next = await station.ask('systemctl list-timers --no-pager delmonicos-retry.timer | sed -n 2p');
    // Five minutes later; here at once.
    await station.ask('systemctl start delmonicos-retry.service');
    await station.active();
    seen.add(
      'killed again and again',
      `given up after ${starts} restarts in ${since(began)}; timer: ${next}`,
    );
  });

  it('stops in order when it is asked to, and tells the broker', async () => {
    const goodbye = site.published<StatusDocument>('status', ({ reason }) => reason === 'stopped', {
      timeoutMs: patience(40_000),
    });
    await station.ask(`systemctl stop ${CORE}`);
    await goodbye;
    expect(await station.property('Result')).toBe('success');
    const { ok, size } = await station.verifiedJournal();
    expect(ok).toBe(true);
    seen.add('stopped in order', `journal of ${size} entries verified`);
  });

  async function comesBack(hang: string, what: string): Promise<void> {
    const restarts = Number(await station.property('NRestarts'));
    const before = await station.verifiedJournal();
    const since = await station.ask('date +%s');
    const began = performance.now();
    await station.ask(hang);
    await station.until(`[ $(systemctl show --value -p NRestarts ${CORE}) -gt ${restarts} ]`, 60_000);
    const took = performance.now() - began;
    await station.active(60_000);
    const log = await station.ask(`journalctl -b --no-pager -o cat --since=@${since} -u ${CORE}`);
    expect(log).toMatch(/Watchdog timeout/);
    await site.published('meters/evse1/sample', undefined, { timeoutMs: patience(30_000) });
    const { ok, size } = await station.verifiedJournal();
    expect(ok).toBe(true);
    expect(size).toBeGreaterThanOrEqual(before.size);
    seen.add(what, `killed and started again after ${ms(took)}; journal of ${size} entries verified`);
  }
});

/** Runs guest/sandbox-probe.sh in the core's own sandbox: its unit with another ExecStart=. */
async function probeSandbox(station: BootedStation, devices: readonly string[]): Promise<string> {
  const script = `ExecStart=/bin/bash /usr/lib/test-boot/sandbox-probe.sh ${devices.join(' ')}`;
  const another = `Type=oneshot\\n${script}\\nStandardOutput=truncate:/run/sandbox-probe`;
  return await station.ask(`set -e
    chmod 0666 ${devices.join(' ')}
    sed -e '/^Type=/d; /^Exec\\(Start\\|Reload\\)=/d; /^NotifyAccess=/d; /^Watchdog/d; /^Restart/d; /^RuntimeDirectory/d' \\
        -e '/^LoadCredential/d; /^OnFailure=/d; /^\\[Install\\]/,$d' -e 's|^\\[Service\\]|&\\n${another}|' \\
        /usr/lib/systemd/system/${CORE} >/run/systemd/system/sandbox-probe.service
    systemctl daemon-reload
    systemctl start sandbox-probe.service
    cat /run/sandbox-probe`);
}

/** Through V8's inspector, which SIGUSR1 opens in any Node process: an endless loop in the process itself. */
function blockEventLoop(pid: number): string {
  const program = `
    const [{ webSocketDebuggerUrl }] = await (await fetch('http://127.0.0.1:9229/json')).json();
    const socket = new WebSocket(webSocketDebuggerUrl);
    socket.onopen = () => {
      socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } }));
      setTimeout(() => process.exit(), 1000);
    };`;
  return `kill -USR1 ${pid}
    until [ -n "$(ss -Hltn 'sport = :9229')" ]; do sleep 0.1; done
    node --experimental-websocket --input-type=module -e ${JSON.stringify(program).replaceAll('\\n', '\n')}`;
}

/** Waits until more entries than these are anchored in a final block, from now on; how many are. */
async function anchoredBeyond(site: ChargingSite, size: number): Promise<number> {
  const { lastAnchor } = await site.published<SyncDocument>(
    'sync',
    (sync) => (sync.lastAnchor?.size ?? 0) > size,
    { timeoutMs: patience(60_000) },
  );
  return lastAnchor?.size ?? 0;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}

function since(startedAt: number): string {
  return ms(performance.now() - startedAt);
}
