// Does what an operator asks of a data folder: through the server that runs on it, or in the folder itself. The commands
// `delete`, `purge`, `backup`, `verify` and `accept-loss` call it.

import type { Operation, OutcomeOf, Outcome, Step } from '../core/operations.ts';
import { RejoinError } from '../errors.ts';
import { warn } from './flags.ts';
import { Progress } from './progress.ts';

export interface Operating<Type extends Outcome['type']> {
  readonly data: string;
  /** Beside the bar, in words. */
  readonly doing: string;
  readonly isQuiet: boolean;
  readonly expected: Type;
  /** Damage and findings. */
  readonly onStep?: (step: Exclude<Step, { type: 'progress' }>) => void;
}

/** @throws RejoinError that says why it isn't done. */
export async function operate<Type extends Outcome['type']>(
  operation: Operation,
  { data, doing, isQuiet, expected, onStep }: Operating<Type>,
): Promise<OutcomeOf<Type>> {
  const progress = await Progress.open(!isQuiet);
  const interrupted = new AbortController();
  const interrupt = (): void => {
    interrupted.abort(new RejoinError('unavailable', 'It was interrupted before it was done'));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  try {
    const onProgress = progress.start(doing);
    const listening = {
      stopping: interrupted.signal,
      onStep: (step: Step) => {
        if (step.type === 'progress') onProgress(step.done, step.total);
        else onStep?.(step);
      },
    };
    const { askServer } = await import('./control-client.ts'); // wrong use is told before a server could load
    const outcome =
      (await askServer(data, operation, listening)) ?? (await operateFolder(data, operation, listening));
    if (isOf(outcome, expected)) return outcome;
    throw new RejoinError('internal', `The outcome should be ${expected}, and is ${outcome.type}`);
  } finally {
    progress.stop();
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
  }
}

type Listening = Parameters<(typeof import('./control-client.ts'))['askServer']>[2];

async function operateFolder(data: string, operation: Operation, listening: Listening): Promise<Outcome> {
  const [{ withProjects }, { Operations }] = await Promise.all([
    import('./open-folder.ts'),
    import('../core/operations.ts'),
  ]);
  return withProjects(data, { mustExist: true, onWarning: warn }, (projects, folder) =>
    new Operations(projects, (stopping) => folder.checkFiles(stopping)).run(operation, listening),
  );
}

function isOf<Type extends Outcome['type']>(outcome: Outcome, type: Type): outcome is OutcomeOf<Type> {
  return outcome.type === type;
}
