/** A directive of a drop-in, and why it is there. */
export interface Directive {
  readonly section: 'Unit' | 'Service';
  readonly key: string;
  /** Empty: what stood before is forgotten, as systemd has it for lists. */
  readonly value: string;
  /** A comment above it; directives in a row with the same one share it. */
  readonly why: string;
}

/** A file below /etc/systemd/system, relative to it. */
export interface DropIn {
  readonly path: string;
  readonly directives: readonly Directive[];
}

/** The file's text; the order of the directives within their section stays. */
export function dropInText({ directives }: DropIn, madeFrom: string): string {
  const lines = [`# Made by \`delmonicos config units\` from ${madeFrom}. Make it anew when that changes.`];
  for (const section of ['Unit', 'Service'] as const) {
    const own = directives.filter((directive) => directive.section === section);
    if (own.length > 0) lines.push('', `[${section}]`);
    for (const [i, { key, value, why }] of own.entries()) {
      if (why !== own[i - 1]?.why) lines.push(`# ${why}`);
      lines.push(`${key}=${value}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

export function serviceDirective(key: string, value: string, why: string): Directive {
  return { section: 'Service', key, value, why };
}
