import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { groupMemoryOf } from '../../../src/service/index.ts';

/** A /proc and a /sys/fs/cgroup of files; a value of a group is the content of its memory.* file. */
function machine(
  cgroup: string | undefined,
  groups: Readonly<Record<string, Readonly<Record<string, string>>>>,
) {
  const directory = mkdtempSync(path.join(tmpdir(), 'groups-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const places = { proc: path.join(directory, 'proc'), groups: path.join(directory, 'cgroup') };
  mkdirSync(path.join(places.proc, '42'), { recursive: true });
  if (cgroup !== undefined) writeFileSync(path.join(places.proc, '42', 'cgroup'), cgroup);
  for (const [group, files] of Object.entries(groups)) {
    mkdirSync(path.join(places.groups, group), { recursive: true });
    for (const [file, text] of Object.entries(files))
      writeFileSync(path.join(places.groups, group, `memory.${file}`), `${text}\n`);
  }
  return groupMemoryOf(42, places);
}

const OWN = '0::/system.slice/a.service\n';

describe('the memory of a control group', () => {
  it('is that of the group itself, less what the kernel can drop', () => {
    const files = { max: '1000', current: '700', stat: 'anon 300\ninactive_file 250\nactive_file 9' };
    expect(machine(OWN, { 'system.slice/a.service': files })).toEqual({ usedBytes: 450, maxBytes: 1_000 });
  });

  it('is that of the tightest group above it', () => {
    const used = machine(OWN, {
      'system.slice/a.service': { max: '1000', current: '100' },
      'system.slice': { max: '500', current: '400' },
    });
    expect(used).toEqual({ usedBytes: 400, maxBytes: 500 });
  });

  it('has no limit where none of them has one', () => {
    expect(machine(OWN, { 'system.slice/a.service': { max: 'max', current: '100' } })).toBe('no limit');
  });

  it.each<[string, string | undefined]>([
    ['the process is hidden (ProtectProc=invisible)', undefined],
    ['there is no cgroup v2', '4:memory:/system.slice/a.service\n'],
    ['the group lies above what may be seen', '0::/../a.service\n'],
    ['the group is not there', '0::/other.slice\n'],
  ])('is not known, which is not the same, when %s', (_why, cgroup) => {
    expect(machine(cgroup, { 'system.slice/a.service': { max: '1000', current: '1' } })).toBeUndefined();
  });
});
