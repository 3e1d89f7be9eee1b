import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** Asked for when a program needs it: a bundled one, which is in this file too to answer, has no such neighbour. */
const tsx = (): string => pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

export interface ChildOptions {
  /** On top of this process's own. */
  readonly environment?: NodeJS.ProcessEnv | undefined;
}

/**
 * Runs a program of this folder, or one that was bundled, in a process of its own, so that what it costs is all its own.
 */
export async function runInChild<Task extends object, Result>(
  program: string,
  task: Task,
  { environment = {} }: ChildOptions = {},
): Promise<Result> {
  const bundled = path.isAbsolute(program);
  const child = fork(bundled ? program : fileURLToPath(new URL(program, import.meta.url)), [], {
    execArgv: bundled ? [] : ['--import', tsx()],
    env: { ...process.env, ...environment },
  });
  const exited = once(child, 'exit');
  const failed = exited.then(([code]) => {
    throw new Error(`${program} ended with ${String(code)}: ${JSON.stringify(task)}`);
  });
  child.send(task);
  try {
    const [result] = (await Promise.race([once(child, 'message'), failed])) as [Result];
    failed.catch(() => {});
    await exited;
    return result;
  } finally {
    child.kill();
  }
}

/** The other side: one task in, one result out. */
export async function answerTask<Task, Result extends object>(
  work: (task: Task) => Promise<Result>,
): Promise<void> {
  const [task] = (await once(process, 'message')) as [Task];
  const result = await work(task);
  await new Promise((sent) => process.send?.(result, sent));
  process.disconnect();
}
