import { openJournalReader, type JournalReader } from '../../../journal/index.ts';

/** A connection of its own to the journal, for as long as `read` takes. @throws JournalError as openJournalReader; as `read` */
export async function withReader<Result>(
  directory: string,
  read: (reader: JournalReader) => Result | Promise<Result>,
): Promise<Result> {
  const reader = openJournalReader(directory);
  try {
    return await read(reader);
  } finally {
    reader.close();
  }
}
