import type { MailboxState } from '../../store/master-store.ts';

export type Counters = Pick<
  MailboxState,
  | 'lastUid'
  | 'highestmodseq'
  | 'xconvmodseq'
  | 'raclmodseq'
  | 'foldermodseq'
  | 'uidvalidity'
  | 'lastAppenddate'
  | 'pop3LastLogin'
>;

/** A counter that could not be read here is taken as the replica has it: that explains nothing. */
type Ours = Counters & Pick<MailboxState, 'unread'>;

/**
 * Messages that a mailbox of the replica may have been given since both sides agreed, one for every two seconds of a
 * year. UIDs are never given again, and a mailbox whose UIDs are used up takes no mail.
 */
const MOST_NEW_UIDS = 2 ** 24;

/** Changes since then: one every second for 136 years. A counter near its end stops every change of the user's mail. */
export const MOST_CHANGES = 2 ** 32;

/**
 * Seconds that a time of the replica may be ahead of this host's clock: clocks differ, and UIDVALIDITY, which begins as
 * the time, is raised by each mailbox that is made within the same second. A year of such is more than any user makes.
 */
export const MOST_SECONDS_AHEAD = 366 * 24 * 60 * 60;

/**
 * Finds the first counter of the replica that a merge would carry to the master although no use of the mailbox explains it:
 * the master could never be brought back from there, because servers and clients rely on counters that do not go down.
 *
 * @param nowSeconds since the epoch, by this host's clock
 * @returns undefined if all are within reason
 */
export function senselessJump(
  ours: Ours,
  theirs: Counters,
  nowSeconds: number,
): { field: string; ours: number; theirs: number; most: number } | undefined {
  const changes = (counter: number): number => Math.max(counter, ours.highestmodseq) + MOST_CHANGES;
  const known = (counter: 'xconvmodseq' | 'raclmodseq'): number =>
    ours.unread.some(({ part }) => part === counter) ? 0 : ours[counter];
  const time = (counter: number): number => Math.max(counter, nowSeconds + MOST_SECONDS_AHEAD);
  const limits: [field: string, counter: keyof Counters, most: number][] = [
    ['UIDVALIDITY', 'uidvalidity', time(ours.uidvalidity)],
    ['LAST_UID', 'lastUid', ours.lastUid + MOST_NEW_UIDS],
    ['HIGHESTMODSEQ', 'highestmodseq', changes(ours.highestmodseq)],
    ['XCONVMODSEQ', 'xconvmodseq', changes(known('xconvmodseq'))],
    ['RACLMODSEQ', 'raclmodseq', changes(known('raclmodseq'))],
    ['FOLDERMODSEQ', 'foldermodseq', changes(ours.foldermodseq)],
    ['LAST_APPENDDATE', 'lastAppenddate', time(ours.lastAppenddate)],
    ['POP3_LAST_LOGIN', 'pop3LastLogin', time(ours.pop3LastLogin)],
  ];
  const found = limits.find(([, counter, most]) => theirs[counter] > most);
  if (found === undefined) return undefined;
  const [field, counter, most] = found;
  return { field, ours: ours[counter], theirs: theirs[counter], most: Math.floor(most) };
}
