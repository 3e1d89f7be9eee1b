import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type Mosquitto, NO_MOSQUITTO, startMosquitto } from './mosquitto.ts';

const PAGE = readFileSync(new URL('../../../docs/broker.md', import.meta.url), 'utf8');

const NO_OPENSSL =
  spawnSync('openssl', ['version']).error === undefined ? undefined : 'openssl is not installed';
/** Why the page cannot be tried; undefined when it can. */
export const NO_BROKER_PAGE = NO_MOSQUITTO ?? NO_OPENSSL;

/** What the page has behind `<!-- test: name -->`. */
function block(name: string): string {
  const found = new RegExp(`<!-- test: ${name} -->\\s+\`\`\`\\w+\n([^]*?)\`\`\``).exec(PAGE)?.[1];
  if (found === undefined) throw new Error(`docs/broker.md shows no ${name}`);
  return found;
}

/** The broker of docs/broker.md, with certificates made as it says, on a port of this test. */
export interface BrokerOfThePage {
  readonly port: number;
  readonly url: string;
  /** A file of the folder in which the commands of the page were run: `desk.pem`, `ca.pem`. */
  readonly file: (name: string) => string;
  /** Stops it, and everything that it kept is gone. */
  stop(): Promise<void>;
}

/** @param names of those who get a certificate */
export async function startBrokerOfThePage(names: readonly string[]): Promise<BrokerOfThePage> {
  const folder = mkdtempSync(path.join(tmpdir(), 'broker-page-'));
  const file = (name: string): string => path.join(folder, name);
  const [authority = '', client = '', broker = ''] = block('certificates').split('\n\n');
  run(folder, authority);
  for (const name of names) run(folder, client.replaceAll('NAME', name));
  run(folder, broker);
  writeFileSync(file('acl'), block('acl'));
  const configuration = block('configuration')
    .replaceAll('/etc/mosquitto/delmonicos', folder)
    .replaceAll('/var/lib/mosquitto/', `${folder}/`)
    .split('\n')
    .filter((line) => !line.startsWith('listener '));
  const mosquitto: Mosquitto = await startMosquitto(configuration);
  return {
    ...{ port: mosquitto.port, url: `mqtts://127.0.0.1:${mosquitto.port}`, file },
    stop: async () => {
      await mosquitto.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Commands of the page, as a shell runs them. */
export function run(folder: string, commands: string): void {
  const { status, stderr } = spawnSync('sh', ['-e', '-c', commands], { cwd: folder, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${commands}\n${stderr}`);
}
