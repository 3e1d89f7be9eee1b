import { setTimeout as delay } from 'node:timers/promises';
import { inject } from 'vitest';
import { STATION, type ChargingSite } from './charging-site.ts';
import { VirtualMachine, type MachineOptions } from './virtual-machine.ts';

const CORE = 'delmonicos.service';
export const STATE = '/var/lib/delmonicos';
/** An emulated processor takes ten times as long for everything, more on a busy host. */
const SLOWNESS = { kvm: 1, tcg: 12 } as const;
const LOOK_EVERY_MS = 200;

/** How long to wait for what takes so long where it goes fast. */
export function patience(fastMs: number): number {
  return fastMs * SLOWNESS[inject('boot').acceleration];
}

export type BootOptions = Pick<MachineOptions, 'data' | 'tpmSocket' | 'onEvent'>;

/** A controller that was switched on at a site, and what a service technician with a root shell sees of it. */
export class BootedStation {
  readonly machine: VirtualMachine;

  private constructor(machine: VirtualMachine) {
    this.machine = machine;
  }

  /** Switches it on and waits until it can be asked; the service may still be starting. */
  static async boot(site: ChargingSite, options: BootOptions): Promise<BootedStation> {
    const { serialBusPort } = site;
    const machine = await VirtualMachine.start({ ...inject('boot'), serialBusPort, ...options });
    try {
      await machine.up(patience(30_000));
      return new BootedStation(machine);
    } catch (error) {
      await machine.stop();
      throw error;
    }
  }

  /** As VirtualMachine's shell: what it prints, or an error. */
  async ask(script: string): Promise<string> {
    return await this.machine.shell.ask(script);
  }

  /** One property of a unit, as `systemctl show` has it. */
  async property(name: string, unit = CORE): Promise<string> {
    return await this.ask(`systemctl show --value -p ${name} '${unit}'`);
  }

  async corePid(): Promise<number> {
    return Number(await this.property('MainPID'));
  }

  /** Waits until a script succeeds; throws with the service's log when it does not in time. */
  async until(script: string, fastMs = 30_000): Promise<void> {
    const deadline = performance.now() + patience(fastMs);
    while ((await this.machine.shell.run(script)).status !== 0) {
      if (performance.now() > deadline) throw new Error(`never: ${script}\n${await this.recentLog()}`);
      await delay(LOOK_EVERY_MS);
    }
  }

  async active(fastMs?: number): Promise<void> {
    await this.until(`systemctl is-active --quiet ${CORE}`, fastMs);
  }

  /** The units' log of this boot, without dates. */
  async recentLog(lines = 60): Promise<string> {
    const units = `-u ${CORE} -u 'delmonicos-*'`;
    return await this.ask(
      `journalctl -b --no-pager -o short-monotonic -n ${lines} ${units}; systemctl status ${CORE} | head -20 || true`,
    );
  }

  /** A `delmonicos` command as the service's user, with --json. */
  async product<Document>(command: string): Promise<Document> {
    return JSON.parse(await this.ask(`runuser -u delmonicos -- delmonicos ${command} --json`)) as Document;
  }

  async verifiedJournal(): Promise<{ readonly ok: boolean; readonly size: number; readonly root: string }> {
    return await this.product(`journal verify ${STATE}`);
  }

  /** The unit of a gateway that runs, once there is one. */
  async gateway(): Promise<string> {
    const list = `systemctl list-units --plain --no-legend --state=active 'delmonicos-gateway@*.service'`;
    await this.until(`${list} | grep -q .`);
    return (await this.ask(`${list} | head -n 1`)).split(' ')[0] ?? '';
  }
}

export { STATION };
