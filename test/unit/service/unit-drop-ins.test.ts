import { describe, expect, it } from 'vitest';
import { parseStationConfig } from '../../../src/config/index.ts';
import { dropInText, type MachineFacts, unitDropIns } from '../../../src/service/index.ts';

const NOWHERE: MachineFacts = { deviceNode: () => undefined, hasTpm: false };

/** The directives of a unit, `Key=value`, of a configuration with these lines and keys besides. */
function directives(
  { lines = '[]', more = '' }: { lines?: string; more?: string },
  machine = NOWHERE,
  unit = 'delmonicos.service.d',
): string[] {
  return made({ lines, more }, machine)
    .files.filter((file) => file.path.startsWith(unit))
    .flatMap((file) => file.directives.map(({ key, value }) => `${key}=${value}`));
}

function made({ lines = '[]', more = '' }: { lines?: string; more?: string }, machine = NOWHERE) {
  return unitDropIns(
    parseStationConfig(`station: { name: X }\nlines: ${lines}\nmeters: []\n${more}`),
    machine,
  );
}

const gateway = (more: string): string[] => directives({ more }, NOWHERE, 'delmonicos-gateway@.service.d');

describe('devices of the core', () => {
  it('are the configured port of the board, and no other', () => {
    expect(directives({ lines: '[{ id: a, serial: /dev/ttymxc2 }]' })).toEqual(
      expect.arrayContaining(['DeviceAllow=', 'DeviceAllow=/dev/ttymxc2 rw']),
    );
  });

  it('are a class where what is configured can be plugged in again under another number', () => {
    const lines = '[{ id: a, serial: /dev/serial/by-id/usb-FTDI-if00 }, { id: b, serial: /dev/ttyACM3 }]';
    const of = (node: string | undefined): string[] =>
      directives(
        { lines },
        { ...NOWHERE, deviceNode: (path) => (path.includes('by-id') ? node : undefined) },
      ).filter((text) => text.startsWith('DeviceAllow=c'));
    expect(of('/dev/ttyUSB4')).toEqual(['DeviceAllow=char-188 rw', 'DeviceAllow=char-166 rw']);
    expect(of('/dev/ttyACM0')).toEqual(['DeviceAllow=char-166 rw']);
    expect(of(undefined)).toEqual(['DeviceAllow=char-188 rw', 'DeviceAllow=char-166 rw']);
  });

  it('follow a link of the OEM to a port of the board by its own name, and to an adapter by its class', () => {
    const lines = '[{ id: a, serial: /dev/rs485 }]';
    const of = (node: string): string[] => directives({ lines }, { ...NOWHERE, deviceNode: () => node });
    expect(of('/dev/ttyS4')).toContain('DeviceAllow=/dev/rs485 rw');
    expect(of('/dev/ttyUSB0')).toContain('DeviceAllow=char-188 rw');
  });

  it('are none at all where every line is on the network', () => {
    expect(directives({ lines: "[{ id: a, tcp: 'meter.example:502' }]" })).toContain('PrivateDevices=yes');
  });

  it('never are text that systemd would take for more than a path', () => {
    const { files, notes } = made({ lines: '[{ id: a, serial: "/dev/ttyS1 rw\\nExecStart=/bin/sh" }]' });
    const text = files.map((file) => dropInText(file, 'X')).join('');
    expect(text).not.toContain('ExecStart');
    expect(notes.join()).toContain('by hand');
  });
});

describe('the network of the core', () => {
  const broker = (host: string): string => `telemetry: { mqtt: { url: "mqtts://${host}" } }`;

  it('is the configured addresses and chronyd, where every peer has an address', () => {
    const lines = "[{ id: a, tcp: '192.0.2.10:502' }, { id: b, rtuOverTcp: '192.0.2.10:503' }]";
    expect(directives({ lines, more: broker('198.51.100.4:8883') })).toEqual(
      expect.arrayContaining([
        'IPAddressDeny=any',
        'IPAddressAllow=127.0.0.1',
        'IPAddressAllow=192.0.2.10',
        'IPAddressAllow=198.51.100.4',
        'RestrictAddressFamilies=AF_UNIX AF_INET',
      ]),
    );
  });

  it('allows the family of the addresses only', () => {
    const more = `${broker('[2001:db8::1]')}\nclock: { source: timesyncd }`;
    const given = directives({ more });
    expect(given).toContain('RestrictAddressFamilies=AF_UNIX AF_INET6');
    expect(given).toContain('IPAddressAllow=2001:db8::1');
    expect(given).not.toContain('IPAddressAllow=127.0.0.1');
  });

  it('stays open, and is said to, where one peer is a name', () => {
    const lines = "[{ id: a, tcp: '192.0.2.10:502' }]";
    const given = directives({ lines, more: broker('broker.example') });
    expect(given.filter((text) => text.startsWith('IPAddress'))).toEqual([]);
    expect(made({ lines, more: broker('broker.example') }).notes.join()).toContain('core: broker.example');
  });

  it('is chronyd alone where nothing else needs IP, and none where chronyd is not asked either', () => {
    const addresses = (source: string): string[] =>
      directives({ more: `clock: { source: ${source} }` }).filter((text) => /^IPAddress|^Private/.test(text));
    expect(addresses('auto')).toEqual([
      'PrivateDevices=yes',
      'IPAddressDeny=any',
      'IPAddressAllow=',
      'IPAddressAllow=127.0.0.1',
    ]);
    expect(addresses('timesyncd')).toEqual([
      'PrivateDevices=yes',
      'PrivateNetwork=yes',
      'IPAddressDeny=any',
      'IPAddressAllow=',
    ]);
  });
});

describe('what the core needs besides', () => {
  it('is the question to the kernel, where that is the source of time', () => {
    expect(directives({ more: 'clock: { source: kernel }' })).toEqual(
      expect.arrayContaining(['ProtectClock=no', 'SystemCallFilter=adjtimex clock_adjtime clock_adjtime64']),
    );
  });

  it('is the TPM and its group where it is configured, and where it is there for `auto`', () => {
    const tpm = ['DeviceAllow=/dev/tpmrm0 rw', 'SupplementaryGroups=tss'];
    expect(directives({ more: 'journal: { counter: tpm }' })).toEqual(expect.arrayContaining(tpm));
    expect(directives({ more: 'identity: { seed: tpm }' })).toEqual(expect.arrayContaining(tpm));
    expect(directives({}, { ...NOWHERE, hasTpm: true })).toEqual(expect.arrayContaining(tpm));
    expect(directives({})).not.toContain(tpm[1]);
    expect(directives({ more: 'journal: { counter: file }' }, { ...NOWHERE, hasTpm: true })).not.toContain(
      tpm[1],
    );
  });

  it('is the folder of a file that is kept elsewhere', () => {
    const more =
      'journal: { highWater: /data/mark/high-water }\ncontrol: { socket: /run/delmonicos/control.sock }';
    expect(directives({ more }).filter((text) => text.startsWith('ReadWritePaths'))).toEqual([
      'ReadWritePaths=/data/mark',
    ]);
  });

  it('is the folder of the socket for metrics, where that is not the one that the unit gives anyway', () => {
    const written = (socket: string): string[] =>
      directives({ more: `telemetry: { prometheus: { socket: ${socket} } }` }).filter((text) =>
        text.startsWith('ReadWritePaths'),
      );
    expect(written('/run/metrics/delmonicos.sock')).toEqual(['ReadWritePaths=/run/metrics']);
    expect(written('/run/delmonicos/metrics.sock')).toEqual([]);
    expect(made({ more: `telemetry: { prometheus: { socket: "/run/a%b" } }` }).notes.join()).toContain(
      'by hand',
    );
  });

  it('is an end of the starts where each of them tries a PIN', () => {
    const more = 'identity: { seed: pkcs11, pkcs11: { module: /usr/lib/p11.so, token: t } }';
    expect(directives({ more })).toEqual(
      expect.arrayContaining(['StartLimitBurst=2', 'StartLimitIntervalSec=infinity', 'OnFailure=']),
    );
  });
});

describe('the network of the gateway', () => {
  it('is the node where that has an address, and open where it has a name', () => {
    expect(gateway('chain: { transport: rpc, url: "wss://192.0.2.7:9944" }')).toContain(
      'IPAddressAllow=192.0.2.7',
    );
    expect(gateway('chain: { transport: rpc, url: "wss://node.example" }')).toEqual([]);
  });

  it('stays open for a light client, and none without a chain', () => {
    const more =
      'chain: { transport: light-client, relaySpec: /home/x/relay.json, paraSpec: /etc/delmonicos/chain/p.json }';
    expect(gateway(more)).toEqual([]);
    const { notes } = made({ more });
    expect(notes.some((note) => note.includes('/home/x/relay.json'))).toBe(true);
    expect(notes.some((note) => note.includes('p.json'))).toBe(false);
    expect(gateway('')).toContain('PrivateNetwork=yes');
  });
});

describe('the text of a drop-in', () => {
  it('has its sections in order, and says why once for directives in a row', () => {
    const [file] = made({ more: 'clock: { source: kernel }' }).files;
    const text = file === undefined ? '' : dropInText(file, '/etc/delmonicos/station.yaml');
    expect(text).toMatch(/^# Made by `delmonicos config units` from \/etc\/delmonicos\/station\.yaml\./);
    expect(text.match(/adjtimex with nothing to set/g)).toHaveLength(1);
    expect(text.match(/^\[Service\]$/gm)).toHaveLength(1);
  });
});
