import { type Directive, serviceDirective } from './drop-in.ts';

/** A serial port as configured, and the device node that its links lead to on this machine; undefined: there is none now. */
export interface SerialPort {
  readonly path: string;
  readonly node?: string | undefined;
}

/** Kernel's Documentation/admin-guide/devices.txt: major numbers of what is plugged in, assigned for good. */
const PLUGGED = [
  { node: /^\/dev\/ttyUSB\d+$/, allow: 'char-188', what: 'ttyUSB' },
  { node: /^\/dev\/ttyACM\d+$/, allow: 'char-166', what: 'ttyACM' },
] as const;
/** Links that udev makes for USB adapters; its rule 60-serial.rules. */
const USB_LINK = /^\/dev\/serial\/by-(id|path)\//;

/**
 * systemd looks a path up once, when the unit starts, and lets that device number through. A port on the board keeps its number.
 * A USB adapter has another one whenever it is plugged in again, and none while it is not: there it is the class, by its number,
 * because its name is unknown to the kernel until the driver is loaded.
 */
export function deviceDirectives(ports: readonly SerialPort[], others: readonly string[]): Directive[] {
  const allowed = new Map<string, string>();
  for (const { path, node = path } of ports) {
    const plugged = PLUGGED.filter((kind) => kind.node.test(node));
    const classes = plugged.length === 0 && USB_LINK.test(node) ? PLUGGED : plugged;
    for (const { allow, what } of classes)
      allowed.set(allow, `${path}: a USB adapter, of which only the class (${what}) stays the same.`);
    if (classes.length === 0) allowed.set(path, `${path}: a port of the board.`);
  }
  for (const device of others) allowed.set(device, `${device} is configured.`);
  const reset = 'Only the devices that are configured.';
  if (allowed.size === 0) {
    return [
      serviceDirective('DeviceAllow', '', 'No device is configured.'),
      serviceDirective('PrivateDevices', 'yes', 'No device is configured.'),
    ];
  }
  return [
    serviceDirective('DeviceAllow', '', reset),
    ...[...allowed].map(([device, why]) => serviceDirective('DeviceAllow', `${device} rw`, why)),
  ];
}

/** Paths that cannot be in a unit file as they are: what systemd would take for more than a path. */
export function isPlainPath(path: string): boolean {
  return /^\/[A-Za-z0-9/._:@+,=-]+$/.test(path) && !path.split('/').includes('..');
}
