export { checkProfile, type ProfileCheck } from './check-profile.ts';
export type { VectorDecoder } from './check-vectors.ts';
export { ProfileError, type ProfileErrorCode } from './errors.ts';
export { listProfileIds, loadProfile, loadProfiles, profileFromText } from './profile-store.ts';
