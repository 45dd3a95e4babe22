import type { ByteString } from '../../byte-string.ts';
import { type MailboxName, type NameRules, toInternalName } from './mailbox-name.ts';

/**
 * Names without a domain that IMAP's LIST may not tell of because of this one. Cyrus compares names without their domains
 * there: behind `user/anna/Sent@example.org` it passes over a mailbox `user/anna` without a domain, or tells it as one that
 * only others are below, and where there is none, it tells of that too. So each is asked for by itself.
 *
 * @returns internal names
 */
export function namesHiddenBy(
  rules: NameRules,
  { domain, localpart, boxes, deletedTime }: MailboxName,
): ByteString[] {
  if (domain === undefined || deletedTime !== 0 || boxes.length === 0) return [];
  const plain = { domain: undefined, localpart, deletedTime };
  if (localpart !== undefined) return [toInternalName(rules, { ...plain, boxes: [] })];
  return boxes
    .slice(1)
    .map((_box, depth) => toInternalName(rules, { ...plain, boxes: boxes.slice(0, depth + 1) }));
}
