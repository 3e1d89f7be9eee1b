// What stands on chain of the log's entries, compared with the log itself.
import { runProduct } from '../product.ts';

interface ExportedLine {
  readonly index: number;
  readonly kind: string;
  /** The entry as it was signed, base64. */
  readonly cose: string;
}

/**
 * Batches in the order in which they stand on chain (hexadecimal): one after the other they must be the log's entries of
 * that kind, each once and in order. Returns what is wrong with that.
 */
export async function unpublished(
  stateDirectory: string,
  kind: string,
  batches: readonly string[],
): Promise<readonly string[]> {
  const { stdout } = await runProduct(['journal', 'export', stateDirectory, '--format', 'jsonl']);
  const lines = stdout.split('\n').filter((line) => line !== '');
  const entries = lines.map((line) => JSON.parse(line) as ExportedLine).filter((line) => line.kind === kind);
  const wanted = entries.map(({ cose }) => Buffer.from(cose, 'base64').toString('hex'));
  const published = batches.join('');
  if (wanted.length > 0 && published === wanted.join('')) return [];
  const problems = entries.flatMap(({ index }, at) => {
    const times = published.split(wanted[at] as string).length - 1;
    return times === 1 ? [] : [`entry ${index} is ${times} times on chain`];
  });
  return problems.length > 0 ? problems : ['what is on chain are not the entries of the log in their order'];
}
