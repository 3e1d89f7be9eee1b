// What a bundle can be made for, as data. glibc only: all of it is for Linux with glibc.

/** @typedef {'x64' | 'arm64' | 'armv7'} Arch */

/**
 * @typedef {object} Target
 * @property {Arch} arch
 * @property {string} nodeArch `process.arch` there
 * @property {{ bits: 32 | 64, machine: number }} elf
 * @property {string} tools prefix of Debian's compilers for it
 * @property {string} debianPackage what has them
 * @property {string} serialport its addon, in the package @serialport/bindings-cpp
 */

/** @type {Readonly<Record<Arch, Target>>} */
export const TARGETS = {
  x64: {
    arch: 'x64',
    nodeArch: 'x64',
    elf: { bits: 64, machine: 62 },
    tools: 'x86_64-linux-gnu-',
    debianPackage: 'g++-x86-64-linux-gnu',
    serialport: 'prebuilds/linux-x64/@serialport+bindings-cpp.glibc.node',
  },
  arm64: {
    arch: 'arm64',
    nodeArch: 'arm64',
    elf: { bits: 64, machine: 183 },
    tools: 'aarch64-linux-gnu-',
    debianPackage: 'g++-aarch64-linux-gnu',
    serialport: 'prebuilds/linux-arm64/@serialport+bindings-cpp.armv8.glibc.node',
  },
  // armv7 with hardware floating point, which is what Node is built for.
  armv7: {
    arch: 'armv7',
    nodeArch: 'arm',
    elf: { bits: 32, machine: 40 },
    tools: 'arm-linux-gnueabihf-',
    debianPackage: 'g++-arm-linux-gnueabihf',
    serialport: 'prebuilds/linux-arm/@serialport+bindings-cpp.armv7.glibc.node',
  },
};

/** @returns {Target} what this machine is; throws when no bundle is made for it */
export function hostTarget() {
  const target = Object.values(TARGETS).find(({ nodeArch }) => nodeArch === process.arch);
  if (process.platform !== 'linux' || target === undefined) {
    throw new Error(
      `the bundle is for Linux on x64, arm64 and armv7, not for ${process.platform} on ${process.arch}`,
    );
  }
  return target;
}
