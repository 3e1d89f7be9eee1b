import type { MeterProfile, PollClass, ProfilePoint } from '../../contract/index.ts';

/** How often slow points are read unless the profile says so: every tenth sample. */
const SLOW_EVERY = 10;

/** The poll classes of one sample, counted from 0 since the meter was identified. */
export function pollsDue(sample: number, slowEvery = SLOW_EVERY): readonly PollClass[] {
  if (sample === 0) return ['fast', 'slow', 'once'];
  return sample % slowEvery === 0 ? ['fast', 'slow'] : ['fast'];
}

/** The points of these classes. A profile without fast points has its slow ones in every sample: none is ever empty. */
export function pointsOf({ points }: MeterProfile, polls: readonly PollClass[]): ProfilePoint[] {
  const due = points.filter(({ poll = 'fast' }) => polls.includes(poll));
  return due.length > 0 ? due : [...points];
}
