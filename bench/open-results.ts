import { join } from 'node:path';
import { describeMachine } from './machine.ts';
import { type BenchOptions, PROJECT } from './options.ts';
import { codeDigest, ResultFile, type RunKey, type Work } from './results.ts';
import type { Store } from './stores.ts';

/** The results of a case so far, if they are of this machine, program and size. */
export function openResults<R extends RunKey>(
  bench: { id: string; title: string; rate?: number },
  store: Store,
  options: BenchOptions,
  more: Pick<Work, 'rolling'> = {},
): ResultFile<R> {
  const { users, mailboxes, messages, octets } = store;
  return new ResultFile<R>(
    options.resultsDirectory,
    {
      case: bench.id,
      title: bench.title,
      machine: describeMachine(options.workDirectory),
      code: codeDigest(join(PROJECT, 'dist')),
      work: {
        users: users.length,
        mailboxes,
        messages,
        octets,
        rate: options.rate || (bench.rate ?? 0),
        ...more,
      },
      pings: [],
      runs: [],
    },
    options.fresh,
  );
}
