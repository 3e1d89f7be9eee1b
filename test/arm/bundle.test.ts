import { builtBundle } from './bundles.ts';
import { tellBundleStory } from './bundle-story.ts';
import { chosenTargets } from './emulated-target.ts';

for (const target of chosenTargets(['arm64 Node 20', 'armv7 Node 20'])) {
  tellBundleStory(target.name, target, () => builtBundle(target));
}
