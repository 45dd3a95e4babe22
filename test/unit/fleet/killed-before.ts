/**
 * Kills the user of whatever is wrapped: neither that call nor any later one is made.
 *
 * @param call counted from 1, over all that is wrapped
 */
export function killedBefore(call: number): <T extends object>(wrapped: T) => T {
  let made = 0;
  return (wrapped) =>
    new Proxy(wrapped, {
      get(target, name) {
        const value = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) => {
          made += 1;
          if (made >= call) throw new Error('killed');
          return Reflect.apply(value, target, args);
        };
      },
    });
}

/** @returns whether the work came to no end */
export async function isKilled(work: Promise<unknown>): Promise<boolean> {
  try {
    await work;
    return false;
  } catch {
    return true;
  }
}
