import { openPty, SimulatorError } from '../../../hal/simulator/index.ts';

/** Why this machine has no pseudo terminals for tests, or undefined when it has. Found out once by opening one. */
export const WHY_NO_PTY: string | undefined = await openPty().then(
  async (pty) => pty.close().then(() => undefined),
  (error: unknown) => {
    if (error instanceof SimulatorError) return error.message;
    throw error;
  },
);

/** For the name of a test that needs a pseudo terminal: empty where it runs, otherwise why it does not. */
export const PTY_NOTE = WHY_NO_PTY === undefined ? '' : ` (skipped: ${WHY_NO_PTY})`;
