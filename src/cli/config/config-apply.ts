import { spawnSync } from 'node:child_process';
import { ExitCode, note, print, printJson } from '../output.ts';
import { readBounded } from '../read-bounded.ts';
import { stateDirectory } from '../state-directory.ts';

export interface ApplyOptions {
  readonly state?: string;
  readonly reload?: true;
  readonly json?: true;
}

/** Puts a signed configuration where the service looks for it; the service is who judges. */
export async function applyConfig(file: string, options: ApplyOptions): Promise<void> {
  const { MAX_CONFIGURATION_BYTES, putIncoming, readConfiguration } =
    await import('../../provisioning/index.ts');
  const bytes = await readBounded(file, MAX_CONFIGURATION_BYTES);
  const { content, id } = readConfiguration(bytes);
  const put = putIncoming(stateDirectory(options.state), bytes, id);
  const { station, sequence } = content;
  if (options.json === true) printJson({ station, sequence, id, file: put });
  else print(`number ${sequence} for ${station} waits in ${put}`);
  if (options.reload !== true) return note('the service looks at it when it is reloaded or starts');
  const { status, error } = spawnSync('systemctl', ['reload', 'delmonicos.service'], { stdio: 'inherit' });
  if (status === 0) return;
  note(`systemctl reload delmonicos.service failed${error ? `: ${error.message}` : ''}`);
  process.exitCode = ExitCode.bad;
}

/** What the service goes by, or would go by at its next start. */
export async function showConfigStatus(file: string, options: ApplyOptions): Promise<void> {
  const [{ effectiveConfiguration }, profiles] = await Promise.all([
    import('../../provisioning/index.ts'),
    import('../../../hal/profile/index.ts'),
  ]);
  const found = await effectiveConfiguration({
    ...{ configPath: file, stateDirectory: stateDirectory(options.state), profiles },
    ...{ log: () => {}, purpose: 'look' },
  });
  const { source, digest, sequence, signedBy, onTrial, problems, config } = found;
  const document = { station: config.station.name, source, digest, sequence, signedBy, onTrial, problems };
  if (problems.length > 0) process.exitCode = ExitCode.bad;
  if (options.json === true) return printJson(document);
  print(`station   ${document.station}`);
  print(`source    ${source === 'file' ? file : `number ${sequence}, signed by ${signedBy}`}`);
  print(`SHA-256   ${digest}`);
  if (onTrial) print('on trial  until the station is as well as it was before');
  for (const { code, message } of problems) note(`[${code}] ${message}`);
}
