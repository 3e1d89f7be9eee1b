import { CHECKS, faultOf, type FaultCode, type HealthItem } from '../../health/index.ts';

/** What `doctor` found out about one thing by itself: an item of the same list that a running service makes. */
export type Finding = HealthItem;

/** @param name what was looked at: `line rs485`, `meter evse1`, `disk` */
export function ok(name: string, detail: string): Finding {
  return { ...thingOf(name), state: 'ok', code: null, detail, sinceMs: null, advice: null };
}

/** Something of the catalogue, which says how bad it is; `advice` in place of the catalogue's, where more is known. */
export function found(name: string, code: FaultCode, detail: string, advice?: string): Finding {
  const { severity: state, advice: usual } = faultOf(code);
  return { ...thingOf(name), state, code, detail, sinceMs: null, advice: advice ?? usual };
}

export function notChecked(name: string, detail: string): Finding {
  return { ...thingOf(name), state: 'unknown', code: null, detail, sinceMs: null, advice: null };
}

function thingOf(name: string): Pick<HealthItem, 'check' | 'subject'> {
  const [first = '', ...rest] = name.split(' ');
  const check = CHECKS.find((one) => one === first) ?? 'service';
  return rest.length === 0 ? { check } : { check, subject: rest.join(' ') };
}
