import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  cert: string;
  key: string;
  certFile: string;
  keyFile: string;
}

/** A self-signed certificate, made by openssl for this run; removed when the process ends. */
export function selfSigned(subjectAltName: string, commonName = 'test'): Certificate {
  const directory = mkdtempSync(join(tmpdir(), 'certificate-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  const certFile = join(directory, 'cert.pem');
  const keyFile = join(directory, 'key.pem');
  execFileSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${commonName}`],
      ...['-addext', `subjectAltName=${subjectAltName}`, '-keyout', keyFile, '-out', certFile],
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  // A server under another account must be able to read both.
  chmodSync(directory, 0o755);
  chmodSync(keyFile, 0o644);
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile };
}
