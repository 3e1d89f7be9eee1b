// npm run boot: the machine of the tests, with meters and a broker, and a root shell in it.
import { createInterface } from 'node:readline/promises';
import { ChargingSite } from './rig/charging-site.ts';
import { newDataPartition } from './rig/data-partition.ts';
import { makeRootImage } from './rig/root-image.ts';
import { findAcceleration, VirtualMachine } from './rig/virtual-machine.ts';

const root = makeRootImage();
const acceleration = await findAcceleration(root);
const site = await ChargingSite.start();
const image = newDataPartition(site.stationYaml());
const { serialBusPort } = site;
const machine = await VirtualMachine.start({ root, acceleration, serialBusPort, data: { image } });
process.stderr.write(`booting by ${acceleration}; console: ${machine.consolePath}\n`);
try {
  await machine.up(600_000);
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: 'station# ' });
  terminal.prompt();
  for await (const line of terminal) {
    if (line.trim() === 'exit') break;
    const { stdout, stderr } = await machine.shell.run(line);
    process.stdout.write(stdout + stderr);
    terminal.prompt();
  }
} finally {
  await machine.stop();
  await site.stop();
}
