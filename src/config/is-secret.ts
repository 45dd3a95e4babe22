const SECRET = /(?:^|_)(?:password|passwd|pw|secret|token)$/;

/** Options whose values are for nobody's eyes: they are left out of every message. `sync_password`, `HOST_password` ... */
export function isSecret(key: string): boolean {
  return SECRET.test(key);
}
