#!/usr/bin/env node
import { endWithoutReader, runCommandLine } from './cli/index.ts';

process.stdout.on('error', endWithoutReader);
// Nobody reads what is wrong: no reason to stop.
process.stderr.on('error', () => {});

process.exitCode = await runCommandLine(process.argv);
