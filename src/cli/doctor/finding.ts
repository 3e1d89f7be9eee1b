/** What `doctor` found out about one thing, and what to do about it. */
export interface Finding {
  /** What was looked at: `line rs485`, `meter evse1`, `disk`. */
  readonly name: string;
  readonly result: 'ok' | 'warning' | 'failed' | 'not checked';
  readonly detail: string;
  /** One sentence for whoever can act on it; null where there is nothing to do. */
  readonly advice: string | null;
}

export function ok(name: string, detail: string): Finding {
  return { name, result: 'ok', detail, advice: null };
}

export function warning(name: string, detail: string, advice: string): Finding {
  return { name, result: 'warning', detail, advice };
}

export function failed(name: string, detail: string, advice: string): Finding {
  return { name, result: 'failed', detail, advice };
}

export function notChecked(name: string, detail: string): Finding {
  return { name, result: 'not checked', detail, advice: null };
}
