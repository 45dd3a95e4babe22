import { SyncError } from '../../report/sync-error.ts';

type TlsMode = 'auto' | 'required' | 'off';

/**
 * Whoever names the certificate of a server wants it to be seen.
 *
 * @param setting where the fingerprints were named
 * @throws SyncError CONFIG
 */
export function tlsMode(mode: TlsMode, fingerprints: readonly string[], setting: string): TlsMode {
  if (fingerprints.length === 0) return mode;
  if (mode !== 'off') return 'required';
  throw new SyncError('CONFIG', `${setting}: no certificate is seen with tls = off`, {
    phase: 'start',
    hint: 'Leave out one of the two',
  });
}
