/** Quantities of IEC 62056-61 (group C, electricity) by their number within a phase. */
const QUANTITIES: Readonly<Record<number, readonly [what: string, direction: string]>> = {
  1: ['active', 'import'],
  2: ['active', 'export'],
  3: ['reactive', 'import'],
  4: ['reactive', 'export'],
  5: ['reactive', 'Q1'],
  6: ['reactive', 'Q2'],
  7: ['reactive', 'Q3'],
  8: ['reactive', 'Q4'],
  9: ['apparent', 'import'],
  10: ['apparent', 'export'],
  11: ['current', ''],
  12: ['voltage', ''],
  13: ['power factor', ''],
  14: ['frequency', ''],
  15: ['active', 'absolute'],
  16: ['active', 'net'],
};
const CODE = /^1-(\d+):(\d+)\.([78])\.(\d+)\*255$/;

/**
 * A quantity for people: `active energy import L1`, `voltage L2`; the OBIS code where it is none of those that have a name.
 * Two different codes never get the same name. Pure.
 */
export function quantityName(obis: string): string {
  const [, channel, quantityText = '', kind, tariff = '0'] = CODE.exec(obis) ?? [];
  const quantity = Number(quantityText);
  const known = QUANTITIES[quantity % 20];
  if (channel === undefined || known === undefined || quantity >= 80) return obis;
  const [what, direction] = known;
  const isPower = direction !== '';
  if (!isPower && kind === '8') return obis;
  const words = [
    what,
    isPower ? (kind === '8' ? 'energy' : 'power') : '',
    direction,
    quantity < 20 ? '' : `L${Math.floor(quantity / 20)}`,
    tariff === '0' ? '' : `tariff ${tariff}`,
    channel === '0' ? '' : `channel ${channel}`,
  ];
  return words.filter((word) => word !== '').join(' ');
}
