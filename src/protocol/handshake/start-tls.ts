import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ConnectionSettings } from '../connection-settings.ts';
import { linkError } from '../link-errors.ts';
import type { Deadline } from './deadline.ts';
import { tlsFailure } from './tls-failure.ts';
import { tlsOptions } from './tls-options.ts';

/**
 * TLS over a connected socket.
 * @throws SyncError TLS_FAILED, CONFIG (a certificate file that cannot be read), CONNECT_TIMEOUT
 */
export async function startTls(
  socket: Socket,
  host: string,
  settings: ConnectionSettings,
  deadline: Deadline,
): Promise<TLSSocket> {
  // Loaded here: most small runs are beside their replica, and speak in clear.
  const { connect } = process.getBuiltinModule('node:tls');
  const secure = connect({ socket, ...tlsOptions(host, settings.tls) });
  await new Promise<void>((resolve, reject) => {
    secure.once('secureConnect', resolve);
    secure.on('error', (error) => reject(tlsFailure(error, settings.server)));
    secure.once('close', () => reject(tlsFailure(new Error('the connection was closed'), settings.server)));
    deadline.begin('the TLS handshake', (error) => {
      secure.destroy();
      reject(error);
    });
  });
  if (settings.tls.fingerprints.length > 0) checkFingerprint(secure, settings);
  return secure;
}

/** @throws SyncError TLS_FAILED */
function checkFingerprint(secure: TLSSocket, { server, tls }: ConnectionSettings): void {
  const found = secure.getPeerX509Certificate()?.fingerprint256;
  if (found !== undefined && tls.fingerprints.includes(found)) return;
  secure.destroy();
  throw linkError(
    'TLS_FAILED',
    `TLS with ${server} failed: its certificate is another one than tls_fingerprint names: ${found ?? 'none'}`,
    {
      phase: 'connect',
      retryable: false,
      hint: `Somebody may be in between. If the replica has a new certificate (look there: openssl x509 -noout -fingerprint -sha256 -in FILE), name it in tls_fingerprint`,
    },
  );
}
