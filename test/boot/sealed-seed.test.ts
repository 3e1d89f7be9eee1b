// The root seed of a station with a TPM: made at the first boot by delmonicos-provision.service, sealed, and never on the disk.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BootedStation, patience, STATE } from './rig/booted-station.ts';
import { ChargingSite } from './rig/charging-site.ts';
import { newDataPartition } from './rig/data-partition.ts';
import { Seen } from './rig/seen.ts';
import { SoftwareTpmChip } from './rig/software-tpm.ts';

/** The encrypted seed, wherever on the data partition it is. */
const SEALED = '$(find /data -xdev -type f -name root-seed)';
/** systemd.exec(5), "Process Exit Codes": EXIT_CREDENTIALS. */
const EXIT_CREDENTIALS = '243';

interface Keys {
  readonly publicKey: string;
  readonly seed?: { readonly kind: string };
}

describe('the root seed of a station with a TPM', () => {
  const seen = new Seen('the root seed of a station with a TPM');
  const chip = new SoftwareTpmChip();
  const otherChip = new SoftwareTpmChip();
  let site: ChargingSite;
  let image: Buffer;
  let publicKey = '';

  beforeAll(async () => {
    site = await ChargingSite.start();
    image = newDataPartition(site.stationYaml());
  });
  afterAll(async () => {
    await site?.stop();
    await chip.discard();
    await otherChip.discard();
  });

  it('is made and sealed at the first boot, and read by the service through systemd alone', async () => {
    await chip.power();
    const station = await BootedStation.boot(site, { data: { image }, tpmSocket: chip.socket });
    let seed: Buffer;
    try {
      await station.active(120_000);
      const log = await station.ask(
        'journalctl -b -o cat --no-pager -u delmonicos-provision.service | head -5',
      );
      seen.add('provisioning said', log.replaceAll('\n', ' | '));
      publicKey = await publicKeyOf(site);
      seed = Buffer.from(
        await station.ask(`systemd-creds decrypt --name=root-seed ${SEALED} - | base64`),
        'base64',
      );
      expect(seed.length).toBe(32);
      expect((await station.machine.shell.run(`test -e ${STATE}/root.seed`)).status).not.toBe(0);
      expect(await station.ask('ls /dev/tpmrm0')).toBe('/dev/tpmrm0');
    } finally {
      image = await station.machine.powerOff(patience(30_000));
    }
    for (const form of [
      seed,
      Buffer.from(seed.toString('hex')),
      Buffer.from(seed.toString('base64').slice(0, 42)),
    ])
      expect(image.includes(form)).toBe(false);
    // The search itself can find something: the sealed seed is there, and is base64.
    expect(image.includes(Buffer.from('delmonicos'))).toBe(true);
    seen.add(
      'the seed on the data partition',
      `in none of ${image.length} bytes: not raw, not hex, not base64`,
    );
  });

  it('is the same one after the next boot', async () => {
    await chip.power();
    const station = await BootedStation.boot(site, { data: { image }, tpmSocket: chip.socket });
    const since = site.messages.length;
    try {
      await station.active(120_000);
      expect(await publicKeyOf(site, since)).toBe(publicKey);
      seen.add('the identity after another boot', publicKey);
    } finally {
      image = await station.machine.powerOff(patience(30_000));
    }
  });

  it('is of no use to another device: with the same disk and another TPM the service does not start', async () => {
    await otherChip.power();
    const station = await BootedStation.boot(site, { data: { image }, tpmSocket: otherChip.socket });
    try {
      await station.until(
        `[ "$(systemctl show --value -p ExecMainStatus delmonicos.service)" = ${EXIT_CREDENTIALS} ]`,
      );
      seen.add('the disk in another device', 'exit status 243, CREDENTIALS: not started');
    } finally {
      await station.machine.stop();
    }
  });
});

/** As its birth message says. */
async function publicKeyOf(site: ChargingSite, since = 0): Promise<string> {
  const { identity } = await site.published<{ readonly identity: Keys }>(
    'status',
    (status) => 'identity' in status,
    { since, timeoutMs: patience(30_000) },
  );
  return identity.publicKey;
}
