import { hash } from 'node:crypto';
import type { ByteString } from '../byte-string.ts';
import type { Share } from './how.ts';

/** Octets of the hash that are taken: more than there are mailboxes anywhere. */
const DIGITS = 12;

/** Mailboxes are spread over the shares by what they never change. */
export function isInShare({ parts, turn }: Share, uniqueid: ByteString): boolean {
  return Number.parseInt(hash('sha1', uniqueid).slice(0, DIGITS), 16) % parts === turn % parts;
}
