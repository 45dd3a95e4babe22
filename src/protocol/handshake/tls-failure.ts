import type { SyncError } from '../../report/sync-error.ts';
import { linkError } from '../link-errors.ts';

/** Errors that the network makes in a handshake. Everything else two ends that cannot agree will say again in a minute. */
const NETWORK_PROBLEMS: ReadonlySet<string> = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
]);

/** OpenSSL's names for what is wrong with a certificate. */
const CERTIFICATE_PROBLEM = /CERT|SELF_SIGNED|UNABLE_TO_(?:GET_ISSUER|VERIFY)|ALTNAME|HOSTNAME/;

/** A handshake that came to nothing, and whether another one may do better. */
export function tlsFailure(cause: Error, server: string): SyncError {
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const certificate = code !== undefined && CERTIFICATE_PROBLEM.test(code);
  // Without a code it was closed, as a server that is being stopped does.
  const passing = code === undefined || NETWORK_PROBLEMS.has(code);
  return linkError(
    'TLS_FAILED',
    `TLS with ${server} failed: ${cause.message}${code === undefined ? '' : ` (${code})`}`,
    {
      phase: 'connect',
      retryable: passing,
      cause,
      hint: certificate
        ? "Install the replica's authority (tls_server_ca_file), name its certificate in tls_fingerprint, or use the name in its certificate"
        : 'Check that the replica speaks TLS there and that both sides have a TLS version in common',
    },
  );
}
