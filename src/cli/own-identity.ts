import type { LoadIdentityOptions, StationIdentity } from '../identity/index.ts';

/**
 * The keys of the station whose state directory this is, for commands beside the service: they change nothing there.
 * @throws IdentityError as loadIdentity
 */
export async function ownIdentity(
  directory: string,
  options: LoadIdentityOptions = {},
): Promise<StationIdentity> {
  const [{ loadIdentity }, { readLogIdentity }] = await Promise.all([
    import('../identity/index.ts'),
    import('../journal/index.ts'),
  ]);
  return await loadIdentity(directory, {
    credentialsDirectory: process.env['CREDENTIALS_DIRECTORY'],
    signsNext: () => readLogIdentity(directory)?.signsNext,
    ...options,
  });
}
