import { parseArgs } from 'node:util';

export interface DemoOptions {
  /** Undefined: until Ctrl-C (on a terminal only). */
  readonly forS: number | undefined;
  readonly stateDirectory: string | undefined;
  readonly broker: string | undefined;
  readonly json: boolean;
  /** Where the last frame of the panel goes as an SVG picture. */
  readonly picture: string | undefined;
}

export const USAGE = `npm run demo -- [options]

Starts a simulated charging station, an MQTT broker and a development network (a relay chain and a parachain that a
light client really follows), runs the real \`delmonicos run\` on them, and at the end checks everything it did.

  --for SECONDS   how long the station runs; default: 60, on a terminal until Ctrl-C
  --state DIR     keep the state directory there (default: a temporary one)
  --broker URL    use this MQTT broker instead of starting one
  --picture FILE  the panel's last running frame as an SVG picture
  --json          JSON lines for machines; the last one is the summary
  --help          this text

Exit status: 0 when every reading was right against the simulator's own truth, the journal verifies, an anchor is final
and a receipt verifies; 1 otherwise; 2 for a wrong option.`;

/** @throws Error with one line for people when an option is wrong. Returns undefined for --help. */
export function parseDemoOptions(argv: readonly string[], terminal: boolean): DemoOptions | undefined {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      for: { type: 'string' },
      state: { type: 'string' },
      broker: { type: 'string' },
      json: { type: 'boolean', default: false },
      picture: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  if (values.for !== undefined && !/^[1-9]\d{0,6}$/.test(values.for)) {
    throw new Error(`--for takes a whole number of seconds, not "${values.for}"`);
  }
  if (values.broker !== undefined && !/^mqtts?:\/\/\S+$/.test(values.broker)) {
    throw new Error(`--broker takes an mqtt:// or mqtts:// URL, not "${values.broker}"`);
  }
  const unlimited = terminal && !values.json;
  return {
    forS: values.for === undefined ? (unlimited ? undefined : 60) : Number(values.for),
    stateDirectory: values.state,
    broker: values.broker,
    json: values.json,
    picture: values.picture,
  };
}
