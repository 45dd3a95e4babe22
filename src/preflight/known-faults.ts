import { type CyrusRelease, isOlder } from '../protocol/handshake/cyrus-release.ts';

/** Something that a release of Cyrus is known to get wrong, and that replication from or to it cannot mend. */
export interface KnownFault {
  /** Whose it is. */
  side: 'master' | 'replica';
  /** The first release that has it; undefined: all before `until`. */
  from?: CyrusRelease;
  /** The first release without it; undefined: all since `from`. */
  until?: CyrusRelease;
  /** As docs/compatibility.md has it. */
  text: string;
  advice: string;
}

/** Newer and older ones may have some of these too: a row says what is known. */
export const KNOWN_FAULTS: readonly KnownFault[] = [
  {
    side: 'replica',
    until: [3, 2],
    text: 'a change made there meanwhile is not noticed before something is sent',
    advice: 'let nobody work on the replica',
  },
  {
    side: 'replica',
    until: [3, 6],
    text: 'scripts are files there: they go by commands of their own, and the mailbox #sieve stays behind',
    advice: 'look at the scripts of a user there after the first copy',
  },
  {
    side: 'replica',
    from: [3, 4],
    until: [3, 8],
    text: 'a mailbox whose name has more than 490 octets ends the server that is asked for it',
    advice: 'such mailboxes are left out and named; shorter names let them through',
  },
  {
    side: 'replica',
    until: [3, 8],
    text: 'an event or contact whose name goes beyond ASCII ends the server, if a master of 3.12 has it',
    advice: 'such calendars and address books are left out and named; bring them over by CalDAV and CardDAV',
  },
  {
    side: 'replica',
    from: [3, 6],
    until: [3, 8],
    text: 'UNUSER of a renamed user takes subscriptions and seen state of the new name along, if another client sends it',
    advice: 'do not run the C client beside this one while users are renamed',
  },
  {
    side: 'master',
    from: [3, 6],
    until: [3, 8],
    text: 'two mailboxes that are created within one second can get the same uniqueid, and share a directory',
    advice: 'both are named when they are met, and neither is renamed; see MAILBOX_DAMAGED',
  },
  {
    side: 'master',
    from: [3, 13],
    text: 'new databases are made in the format twom, which cannot be read from files',
    advice: 'keep twoskip in the *_db options, or read the master from its server with --from',
  },
];

/** @param releases undefined: that side does not say, so that nothing is known of it */
export function faultsOf(
  releases: Readonly<Record<KnownFault['side'], CyrusRelease | undefined>>,
): KnownFault[] {
  return KNOWN_FAULTS.filter(({ side, from, until }) => {
    const release = releases[side];
    if (release === undefined || (from && isOlder(release, from))) return false;
    return until === undefined || isOlder(release, until);
  });
}
