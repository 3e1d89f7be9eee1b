import type { EnergyMeter } from '../../../../hal/contract/index.ts';
import { RemoteError } from '../../../remote/index.ts';
import type { RemoteParts } from '../remote-parts.ts';

/** @throws RemoteError `remote.bad_parameters` */
export function configuredMeter({ reading }: Pick<RemoteParts, 'reading'>, id: string): EnergyMeter {
  const found = reading.meters.find(({ meter }) => meter.id === id);
  if (found !== undefined) return found.meter;
  const known = reading.meters.map(({ meter }) => meter.id).join(', ');
  throw new RemoteError('remote.bad_parameters', `there is no meter ${JSON.stringify(id)}`, {
    hint: `The meters of this station: ${known || 'none'}.`,
  });
}
