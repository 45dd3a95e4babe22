import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from './is-loopback.ts';

/** Who may do what on the port. */
export interface AccessRules {
  /** The port is on an address of this host that no other can reach. */
  isLoopback: boolean;
  /** Without one nothing can be changed, and on another address than loopback nothing be read. */
  token: string | undefined;
}

export type Need = 'nothing' | 'read' | 'control';

/** Why not, as an HTTP status with a line for people. */
export interface Refusal {
  status: 401 | 403 | 421;
  text: string;
}

/** @param headers of the request @returns undefined: it may */
export function refusal(rules: AccessRules, need: Need, headers: IncomingHttpHeaders): Refusal | undefined {
  // A name of somebody else's that leads here would make a page of theirs one of ours to a browser.
  if (rules.isLoopback && !isLoopback(hostOf(headers.host))) {
    return { status: 421, text: 'ask for localhost, 127.0.0.1 or [::1]' };
  }
  if (need === 'nothing') return undefined;
  if (need === 'control' && isForeign(headers)) {
    return { status: 403, text: 'pages of another origin change nothing here' };
  }
  if (need === 'read' && rules.isLoopback) return undefined;
  if (rules.token === undefined) {
    return { status: 403, text: 'nothing can be changed here until metrics_token is set' };
  }
  const given = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
  return given !== undefined && isSame(given, rules.token)
    ? undefined
    : { status: 401, text: 'expected the token that metrics_token sets' };
}

/** Browsers name the origin with every request that could change something. */
function isForeign({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  if (origin === undefined) return false;
  return origin.replace(/^https?:\/\//, '') !== host;
}

function hostOf(header: string | undefined): string {
  return (header ?? '')
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();
}

/** In a time that tells nothing of how much of it was right. */
function isSame(given: string, wanted: string): boolean {
  const [one, other] = [given, wanted].map((text) => createHash('sha256').update(text).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
