/** Tells whether the system refused a call for this reason: `ENOENT`, `ENOTDIR` ... */
export function hasErrno(caught: unknown, code: string): boolean {
  return caught instanceof Error && 'code' in caught && caught.code === code;
}

/**
 * Tells whether a file was not found, be it that what should be its directory is a file. Where "no such file" is a reason
 * to remove something on the replica, `ENOENT` alone is proof.
 */
export function isMissing(caught: unknown): boolean {
  return hasErrno(caught, 'ENOENT') || hasErrno(caught, 'ENOTDIR');
}
