// A process that rotates a station's key and dies by SIGKILL before a step. Arguments: state directory, step, kind of place for
// the new seed or "-". Prints the new key.
import { systemMonotonicClock, systemWallClock } from '../../../src/service/index.ts';
import { rotateStationKey, type RotationOrder } from '../../../src/station/keys/rotate-station-key.ts';

const [stateDirectory = '', dieBefore = '', moveTo = '-'] = process.argv.slice(2);
const { after } = await rotateStationKey({
  stateDirectory,
  seed: {},
  moveTo: moveTo === '-' ? undefined : (moveTo as RotationOrder['moveTo']),
  keepOld: true,
  ss58Prefix: 42,
  software: 'test 1.0',
  clock: systemMonotonicClock,
  wallClock: { ...systemWallClock(), status: () => 'U' },
  onStep: (step) => {
    if (step === dieBefore) process.kill(process.pid, 'SIGKILL');
  },
});
process.stdout.write(Buffer.from(after.publicKey).toString('hex'));
