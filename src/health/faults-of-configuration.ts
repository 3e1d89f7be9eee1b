import type { FaultEntry } from './fault-entry.ts';

/** What the station should run with, and does not. With what it runs with instead it works. */
export const CONFIGURATION_FAULTS = {
  'config.rolled_back': {
    check: 'configuration',
    severity: 'warning',
    raiseMs: 0,
    clearMs: 0,
    raisedWhen: 'a signed configuration was given up, because the station was not as well with it as before',
    clearedWhen: 'the service is started again, or goes by another configuration',
    means: 'the configuration before is in force; the journal says so as provisioning.config_rolled_back',
    advice: 'Correct it, give it a higher number, sign it and send it again: docs/provisioning.md.',
    onRecord: 'no',
  },
  'config.signed_unusable': {
    check: 'configuration',
    severity: 'warning',
    raiseMs: 0,
    clearMs: 0,
    raisedWhen:
      "the signed configuration, the OEM's keys, or what was accepted before does not hold at the start",
    clearedWhen: 'a start finds nothing wrong with them',
    means:
      'the station goes by the one before, or by the file of --config; the journal has the code in the detail',
    advice: 'See the code in the detail in docs/errors.md; send the signed configuration anew.',
    onRecord: 'no',
  },
  'config.not_taken': {
    check: 'configuration',
    severity: 'warning',
    raiseMs: 0,
    clearMs: 0,
    raisedWhen:
      'a reload found that the newest configuration is not valid, or the station did not start with it',
    clearedWhen: 'a reload takes one, or the service is started again',
    means: 'the one before is in force; a new start would fail',
    advice: 'See the code in the detail in docs/errors.md; correct the configuration, and reload.',
    onRecord: 'no',
  },
} as const satisfies Readonly<Record<string, FaultEntry>>;
