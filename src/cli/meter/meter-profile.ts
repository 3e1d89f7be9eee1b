import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { MeterProfile } from '../../../hal/contract/index.ts';
import { UsageError } from '../usage-error.ts';

/** A name, or a file for a profile that is being written. @throws UsageError, ProfileError */
export async function findProfile(name: string): Promise<MeterProfile> {
  const { loadProfile, profileFromText, ProfileError } = await import('../../../hal/profile/index.ts');
  if (name.endsWith('.yaml')) {
    return profileFromText(await readProfileFile(name), path.basename(name, '.yaml'));
  }
  try {
    return await loadProfile(name);
  } catch (error) {
    if (!(error instanceof ProfileError) || error.code !== 'profile.unknown') throw error;
    throw new UsageError(
      'usage.bad_option',
      error.message,
      error.hint === undefined ? {} : { hint: error.hint },
    );
  }
}

/** @throws UsageError `usage.file_unreadable` */
export async function readProfileFile(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new UsageError('usage.file_unreadable', `cannot read ${file}: ${(cause as Error).message}`, {
      cause,
    });
  }
}
