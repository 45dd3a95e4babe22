/**
 * Does work that starts other work and does not wait for it. If it fails, all that it has started is waited for before it throws:
 * whoever hears of a failure gives the locks back, and another client may be at work on the user from then on.
 *
 * @param started filled in by `work`
 */
export async function settledBeforeThrowing<T>(
  started: readonly Promise<unknown>[],
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (caught) {
    await Promise.allSettled(started);
    throw caught;
  }
}
