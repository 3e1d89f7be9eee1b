#!/usr/bin/env node
import { runCommandLine } from './cli/index.ts';

// Whoever reads our output may stop reading (`... | head`): that is no failure, and nothing is left to say.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit();
});

process.exitCode = await runCommandLine(process.argv);
