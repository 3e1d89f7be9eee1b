import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Memory of a control group that has a limit, in bytes. */
export interface GroupMemory {
  /** In use and not to be had back by dropping cached files: what the kernel holds against the limit when it gets tight. */
  readonly usedBytes: number;
  readonly maxBytes: number;
}

/**
 * The tightest memory limit that a process is under (cgroup v2, memory.max of its group and of those above), and what that group
 * uses; undefined where that cannot be seen: another user's process under ProtectProc=invisible, or no cgroup v2.
 */
export function groupMemoryOf(
  pid: number | 'self',
  places: { readonly proc: string; readonly groups: string } = { proc: '/proc', groups: '/sys/fs/cgroup' },
): GroupMemory | 'no limit' | undefined {
  const own = /^0::(\/.*)$/m.exec(textOf(path.join(places.proc, String(pid), 'cgroup')) ?? '')?.[1];
  // A group that lies above what this process may see is told with `..` (cgroup_namespaces(7)).
  if (own === undefined || own.split('/').includes('..')) return undefined;
  if (!existsSync(path.join(places.groups, own))) return undefined;
  let tightest: { readonly directory: string; readonly maxBytes: number } | undefined;
  for (let group = own; ; group = path.posix.dirname(group)) {
    const directory = path.join(places.groups, group);
    const maxBytes = numberOf(textOf(path.join(directory, 'memory.max')));
    if (maxBytes !== undefined && maxBytes < (tightest?.maxBytes ?? Infinity))
      tightest = { directory, maxBytes };
    if (group === '/') break;
  }
  if (tightest === undefined) return 'no limit';
  const current = numberOf(textOf(path.join(tightest.directory, 'memory.current')));
  if (current === undefined) return undefined;
  const stat = textOf(path.join(tightest.directory, 'memory.stat')) ?? '';
  const cached = Number(/^inactive_file (\d+)$/m.exec(stat)?.[1] ?? 0);
  return { usedBytes: Math.max(0, current - cached), maxBytes: tightest.maxBytes };
}

/** `max` is no number: no limit. */
function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+\n?$/.test(text) ? Number(text) : undefined;
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
