// The seed of every property test (fast-check). vitest.config.ts names one, so that the gate gives the same answer twice;
// TEST_SEED=random looks where nobody looked before, and TEST_SEED=<number> repeats what that found.
import fc from 'fast-check';

const given = Number(process.env['TEST_SEED']);
if (Number.isSafeInteger(given)) fc.configureGlobal({ seed: given });
