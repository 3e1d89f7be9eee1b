import { statSync } from 'node:fs';

/** Whoever may use the TPM; the service has this group where it counts there. */
const TPM_GROUP = 'tss';

/**
 * Does work in a directory of another user's as that user: root that writes there by path would follow whatever links the other
 * one has put in the way. Only root changes anything about itself here; nothing else may go on in this process meanwhile.
 */
export async function asOwnerOf<Result>(
  directory: string,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  const back = become(directory);
  try {
    return await work();
  } finally {
    back();
  }
}

/** `asOwnerOf` for work that is done when it returns. */
export function asOwnerOfNow<Result>(directory: string, work: () => Result): Result {
  const back = become(directory);
  try {
    return work();
  } finally {
    back();
  }
}

function become(directory: string): () => void {
  const { uid, gid } = statSync(directory);
  const { setegid, seteuid, setgroups, getgroups, geteuid } = process;
  if (!setegid || !seteuid || !setgroups || !getgroups || geteuid?.() !== 0 || uid === 0) return () => {};
  const groups = getgroups();
  try {
    setgroups([gid, TPM_GROUP]);
  } catch {
    setgroups([gid]);
  }
  setegid(gid);
  seteuid(uid);
  return () => {
    seteuid(0);
    setegid(0);
    setgroups(groups);
  };
}
