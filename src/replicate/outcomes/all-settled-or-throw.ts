/** Waits for all, so that nothing of the job is left running, then throws the first rejection. */
export async function allSettledOrThrow(promises: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) {
    if (outcome.status === 'rejected') throw outcome.reason;
  }
}
