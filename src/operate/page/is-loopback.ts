import { isIP } from 'node:net';

/** @returns no other host can reach what listens there */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
