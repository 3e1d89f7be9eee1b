import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { once } from 'node:events';
import modbusSerial from 'modbus-serial';
import { describe, expect, it } from 'vitest';
import { openPty, REAL_CLOCK, startSimulatedStation } from '../../hal/simulator/index.ts';
import { PTY_NOTE, WHY_NO_PTY } from '../support/meters/pty.ts';

/** Children of a process that run a command of that name; each terminal is held by a `script`. */
function childrenOf(parentPid: number, command = 'script'): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const [, comm, , ppid] =
          /^\d+ \((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? [];
        return comm === command && Number(ppid) === parentPid ? [Number(name)] : [];
      } catch {
        // It ended between the two readings.
        return [];
      }
    });
}

/** Not there, or a corpse that its new parent has not buried yet. */
function isGone(pid: number): boolean {
  try {
    return /^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return true;
  }
}

describe.skipIf(WHY_NO_PTY !== undefined)(`a pseudo terminal${PTY_NOTE}`, () => {
  it('carries all 256 byte values unchanged in both directions', async () => {
    const pty = await openPty();
    const all = Buffer.from(Array.from({ length: 256 }, (_, value) => value));
    const { open } = await import('node:fs/promises');
    const slave = await open(pty.path, 'r+');
    const arrived = new Promise<Buffer>((resolve) => {
      let bytes = Buffer.alloc(0);
      pty.onBytes((more) => {
        bytes = Buffer.concat([bytes, more]);
        if (bytes.length >= 256) resolve(bytes);
      });
    });
    await slave.write(all);
    expect(await arrived).toEqual(all);
    pty.write(all);
    let back = Buffer.alloc(0);
    while (back.length < 256) {
      const { buffer, bytesRead } = await slave.read(Buffer.alloc(512), 0, 512, null);
      back = Buffer.concat([back, buffer.subarray(0, bytesRead)]);
    }
    expect(back).toEqual(all);
    await slave.close();
    await pty.close();
  });

  it('is gone with its process after close', async () => {
    const pty = await openPty();
    const [script] = childrenOf(process.pid);
    expect(script).toBeDefined();
    expect(existsSync(pty.path)).toBe(true);
    await pty.close();
    expect(isGone(script ?? 0)).toBe(true);
    expect(existsSync(pty.path)).toBe(false);
  });

  it('is gone after SIGKILL of the process that opened it', async () => {
    const face = new URL('../../hal/simulator/index.ts', import.meta.url).href;
    const code = `const { openPty } = await import(${JSON.stringify(face)}); console.log((await openPty()).path);`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const [script] = childrenOf(child.pid ?? 0);
    expect(script).toBeDefined();
    child.kill('SIGKILL');
    await expect.poll(() => isGone(script ?? 0), { timeout: 5_000 }).toBe(true);
    await expect.poll(() => existsSync(line.toString().trim()), { timeout: 5_000 }).toBe(false);
  });

  it('is held by a process in a session of its own, so that Ctrl-C at our terminal does not reach it', async () => {
    const pty = await openPty();
    const [script] = childrenOf(process.pid);
    const [, group, session] =
      /^\d+ \(.*\) \S \d+ (\d+) (\d+)/.exec(readFileSync(`/proc/${script}/stat`, 'utf8')) ?? [];
    expect([Number(group), Number(session)]).toEqual([script, script]);
    await pty.close();
  });

  it('can be closed by a client and opened again', async () => {
    const station = await startSimulatedStation({
      meters: [{ id: 'm', model: 'abb-b23', unitId: 3, serial: '10543311', on: 'pty' }],
      seed: 1,
    });
    const [line] = station.lines;
    if (line?.kind !== 'pty') throw new Error('no terminal');
    for (let turn = 0; turn < 3; turn++) {
      const client = new modbusSerial.default();
      await client.connectRTUBuffered(line.path, { baudRate: 19_200, parity: 'even' });
      client.setID(3);
      client.setTimeout(1_000);
      expect((await client.readHoldingRegisters(0x8900, 2)).buffer.readUInt32BE(0)).toBe(10_543_311);
      await new Promise<void>((resolve) => client.close(() => resolve()));
    }
    await station.stop();
  });

  it('paced at 9600 baud takes the time that the bytes take on a wire', async () => {
    const station = await startSimulatedStation({
      lines: [{ id: 'rs485', kind: 'pty', baudRate: 9_600, turnaroundMs: 5 }],
      meters: [{ id: 'm', model: 'abb-b23', unitId: 3, serial: '10543311', on: 'rs485' }],
      seed: 1,
    });
    const [line] = station.lines;
    if (line?.kind !== 'pty') throw new Error('no terminal');
    const client = new modbusSerial.default();
    await client.connectRTUBuffered(line.path, { baudRate: 9_600 });
    client.setID(3);
    client.setTimeout(2_000);
    // 8 bytes there and 125 back, 11 bits each, and the turnaround.
    const wireMs = ((8 + 125) * 11 * 1_000) / 9_600 + 5;
    const took: number[] = [];
    for (let turn = 0; turn < 5; turn++) {
      const begin = REAL_CLOCK.nowMonoMs();
      expect((await client.readHoldingRegisters(0x5b00, 60)).buffer).toHaveLength(120);
      took.push(REAL_CLOCK.nowMonoMs() - begin);
    }
    // Never faster than the wire; the quickest of five shows what pacing adds, whatever else the machine does.
    expect(Math.min(...took)).toBeGreaterThan(wireMs - 1);
    expect(Math.min(...took)).toBeLessThan(wireMs * 1.25);
    await new Promise<void>((resolve) => client.close(() => resolve()));
    await station.stop();
  });
});

describe('without a working `script`', () => {
  it.each(['no-such-command-here', 'false', 'echo'])(
    '(%s) says so, and that TCP will do',
    async (command) => {
      await expect(openPty(command)).rejects.toMatchObject({
        code: 'simulator.pty_unavailable',
        remedy: 'degrade',
      });
    },
  );

  it('leaves no process behind', async () => {
    await openPty('echo').catch(() => undefined);
    expect(childrenOf(process.pid, 'echo')).toEqual([]);
  });
});
