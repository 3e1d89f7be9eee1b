import type { FetchProgress, FetchResult } from '../../fleet/index.ts';
import { ExitCode, note, print, printJson } from '../output.ts';
import { ProgressLine } from '../progress-line.ts';
import { keyDocument, mustKnowKey } from './ask-evidence.ts';
import type { Asking } from './ask.ts';
import type { AskRequest } from './ask-request.ts';
import { worthOf } from './believed-key.ts';

/** Entries into a file, each verified before it is written; what an earlier run left unfinished is gone on with. */
export async function fetchToFile(
  asking: Asking,
  { from, to, output }: Extract<AskRequest, { kind: 'entries' }>,
): Promise<void> {
  const [{ entriesOverDesk, fetchEntries }, { systemMonotonicClock: clock }] = await Promise.all([
    import('../../fleet/index.ts'),
    import('../../service/index.ts'),
  ]);
  const believed = mustKnowKey(asking);
  const { asker, desk, signal } = asking;
  const line = new ProgressLine();
  try {
    const result = await fetchEntries({
      ...{ link: entriesOverDesk({ asker, desk, clock }), clock, signal, from, file: output },
      ...(to !== undefined && { to }),
      trusted: {
        publicKey: believed.publicKey,
        ...(believed.origin !== undefined && { origin: believed.origin }),
      },
      onProgress: (progress) => line.show('entries', progressWords(progress)),
    });
    line.clear();
    if (asking.isJson) printJson({ file: output, ...result, stationKey: keyDocument(believed) });
    else tell(result, output, worthOf(believed));
    process.exitCode = result.verified === true ? ExitCode.good : ExitCode.bad;
  } finally {
    line.clear();
  }
}

function progressWords({ next, to, entries, bytes }: FetchProgress): string {
  const of = to === undefined ? '' : ` of ${to}`;
  return `${next}${of}: ${entries} entries, ${bytes} bytes`;
}

function tell(result: FetchResult, file: string, worth: string): void {
  const { from, to, entries, fetched, bytes, missing, undeclared, size, verified, rejected } = result;
  print(
    `${file}: ${entries} entries from ${from} to ${to - 1}, ${bytes} bytes, ${fetched} of them fetched now`,
  );
  for (const gap of missing) print(`not there any more: ${gap.from} to ${gap.to - 1}`);
  for (const gap of undeclared) print(`not declared gone by any signed entry: ${gap.from} to ${gap.to - 1}`);
  if (rejected > 0) note(`${rejected} messages were left: they were not what the station signed`);
  if (verified === true)
    print(`every signature and their place in the tree of ${size} entries verify ${worth}`);
  else note(`not shown: ${verified}`);
}
