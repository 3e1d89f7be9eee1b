import { correction, generate, type Bitmap2D } from 'lean-qr';

/** Empty modules around a code; ISO/IEC 18004 §9.1 asks for four. */
const QUIET_ZONE = 4;
/** On a terminal two do, and it is to fit into 24 lines of 80. */
const QUIET_ZONE_ON_TERMINAL = 2;

export interface InstallerFacts {
  readonly ss58: string;
  /** 32 bytes, ed25519: the key that signs the station's log. */
  readonly publicKey: Uint8Array;
  readonly stationName?: string | undefined;
}

/**
 * What an installer's app scans, `delmonicos:1?a=ACCOUNT&k=KEY[&n=NAME]` (docs/provisioning.md): the account to pay into, and the
 * key by which the station's evidence is known. Nothing in it is secret.
 */
export function installerUri({ ss58, publicKey, stationName }: InstallerFacts): string {
  const name = stationName === undefined ? '' : `&n=${encodeURIComponent(stationName)}`;
  return `delmonicos:1?a=${ss58}&k=${Buffer.from(publicKey).toString('base64url')}${name}`;
}

/** Two modules above each other in one character; light ones are drawn, as terminals are dark. */
export function codeAsText(uri: string): string {
  const code = codeOf(uri);
  const [from, to] = [-QUIET_ZONE_ON_TERMINAL, code.size + QUIET_ZONE_ON_TERMINAL];
  const rows: string[] = [];
  for (let y = from; y < to; y += 2) {
    let row = '';
    for (let x = from; x < to; x++) {
      const upper = !code.get(x, y);
      const lower = y + 1 < to && !code.get(x, y + 1);
      row += upper ? (lower ? '█' : '▀') : lower ? '▄' : ' ';
    }
    rows.push(row);
  }
  return `${rows.join('\n')}\n`;
}

/** One path, black on white, for a label. */
export function codeAsSvg(uri: string): string {
  const code = codeOf(uri);
  const side = code.size + 2 * QUIET_ZONE;
  let path = '';
  for (let y = 0; y < code.size; y++) {
    for (let x = 0; x < code.size; x++) {
      if (code.get(x, y)) path += `M${x + QUIET_ZONE} ${y + QUIET_ZONE}h1v1h-1z`;
    }
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${side} ${side}" shape-rendering="crispEdges">`,
    `<title>${escaped(uri)}</title>`,
    `<rect width="${side}" height="${side}" fill="#fff"/>`,
    `<path d="${path}" fill="#000"/>`,
    '</svg>\n',
  ].join('\n');
}

function codeOf(uri: string): Bitmap2D {
  return generate(uri, { minCorrectionLevel: correction.L });
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}
