import { readdir, readFile } from 'node:fs/promises';
import type { MeterProfile } from '../contract/index.ts';
import { ProfileError } from './errors.ts';
import { lintProfile } from './lint.ts';
import { nearestNames } from '../strict-yaml/index.ts';
import { parseProfile } from './parse-profile.ts';

/** Beside this file in a checkout, beside the bundle on a device (esbuild.config.js copies it there). */
const MODELS = new URL('./models/', import.meta.url);
const EXTENSION = '.yaml';

/** Names of all profiles, sorted. */
export async function listProfileIds(): Promise<string[]> {
  const files = await readdir(MODELS);
  return files
    .filter((file) => file.endsWith(EXTENSION))
    .map((file) => file.slice(0, -EXTENSION.length))
    .sort();
}

/** All profiles, by name. @throws ProfileError `profile.invalid` */
export async function loadProfiles(): Promise<MeterProfile[]> {
  return Promise.all((await listProfileIds()).map((id) => readProfile(id)));
}

/**
 * One profile.
 * @throws ProfileError `profile.unknown` with the names that could have been meant; `profile.invalid`
 */
export async function loadProfile(id: string): Promise<MeterProfile> {
  const ids = await listProfileIds();
  if (ids.includes(id)) return readProfile(id);
  const near = nearestNames(id, ids);
  throw new ProfileError('profile.unknown', `there is no meter profile "${id}"`, {
    details: { id, near },
    hint: near.length > 0 ? `Did you mean ${near.join(' or ')}?` : `There are: ${ids.join(', ')}.`,
  });
}

async function readProfile(id: string): Promise<MeterProfile> {
  const text = await readFile(new URL(`${id}${EXTENSION}`, MODELS), 'utf8');
  return profileFromText(text, id);
}

/**
 * A profile from the text of its file, whose name has to be the profile's.
 * @throws ProfileError `profile.invalid` with every problem and its line
 */
export function profileFromText(text: string, id: string): MeterProfile {
  const { value: profile, problems: malformed, locate } = parseProfile(text);
  const problems = profile === undefined ? [...malformed] : lintProfile(profile, locate);
  if (profile !== undefined && profile.id !== id) {
    problems.push(locate(['id'], `must be "${id}", like the name of the file`));
  }
  if (profile !== undefined && problems.length === 0) return profile;
  const list = problems.map(({ line, path, message }) => `  line ${line}: ${path}: ${message}`);
  throw new ProfileError('profile.invalid', `meter profile "${id}" is not valid:\n${list.join('\n')}`, {
    details: { id, problems },
  });
}
