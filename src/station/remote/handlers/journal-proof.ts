import { formatTlogProof } from '../../../journal/index.ts';
import type { Handler } from '../handler.ts';
import type { RemoteParts } from '../remote-parts.ts';
import { withReader } from './with-reader.ts';

/** As `journal proof --json`: a C2SP tlog-proof, with the checkpoint that it leads to. */
export function journalProof({
  options: { stateDirectory },
  signTree,
}: Pick<RemoteParts, 'options' | 'signTree'>): Handler<'journal proof'> {
  return async ({ index, size: wanted }) => {
    const { size, root, text: checkpoint } = await signTree(wanted);
    const inclusionProof = await withReader(stateDirectory, (reader) => reader.inclusionProof(index, size));
    const proof = formatTlogProof({ index, inclusionProof, checkpoint });
    return { index, size, root: Buffer.from(root).toString('hex'), proof };
  };
}
