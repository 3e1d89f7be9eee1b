import type { ConfigurationFacts } from './facts.ts';
import type { Look } from './look.ts';

/** Which configuration is in force, and what is wrong with one that should be. */
export function lookAtConfiguration(facts: ConfigurationFacts): Look {
  const { source, sequence, signedBy, onTrial, rolledBack, problems, notTaken } = facts;
  const which = source === 'file' ? 'the file' : `signed configuration ${sequence} by ${signedBy}`;
  return {
    check: 'configuration',
    normal: { state: 'ok', detail: `${which} is in force${onTrial ? ', on trial' : ''}` },
    conditions: [
      { code: 'config.rolled_back', holds: rolledBack !== null, detail: rolledBack ?? '' },
      {
        code: 'config.signed_unusable',
        holds: problems.length > 0,
        detail: problems.map(({ code, message }) => `[${code}] ${message}`).join('; '),
      },
      { code: 'config.not_taken', holds: notTaken !== null, detail: notTaken ?? '' },
    ],
  };
}
