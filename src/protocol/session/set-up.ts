import { CAPABILITY } from '../../grammar.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { ConnectionSettings } from '../connection-settings.ts';
import { encodeStrings } from '../dlist/encoders.ts';
import { cyrusRelease, isOlder } from '../handshake/cyrus-release.ts';
import { longestName } from '../handshake/longest-name.ts';
import type { Offer } from '../handshake/offer.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import { isNotAdmin, NOT_ADMIN_HINT } from '../link/refusals.ts';
import type { MasterSession, SessionInfo } from '../replica-session.ts';
import { createSession } from './create-session.ts';
import { dispatch } from './dispatch.ts';
import { requireList, stringItems } from './fields.ts';

const SIEVE_MAILBOX = 'SIEVE-MAILBOX';
const ARCHIVE = 'REPLICATION-ARCHIVE';

/**
 * CAPABILITIES, if there is one to enable. What is not enabled is done without: scripts go the old way
 * (protocol 10.15), and messages are staged beside the rest. An imapd offers the archive whether or not it has one.
 *
 * @throws SyncError with IMAP_REMOTE_DENIED for an account that may do nothing
 */
export async function setUp(
  queue: CommandQueue,
  offer: Offer,
  settings: ConnectionSettings,
  link: Pick<SessionInfo, 'mechanism' | 'tls' | 'exposure' | 'compression'>,
): Promise<MasterSession> {
  const release = cyrusRelease(offer.banner);
  const info: SessionInfo = {
    server: settings.server,
    flavour: offer.flavour,
    banner: offer.banner,
    ...link,
    keepsWhatIsEnabled: offer.flavour === 'imap' && offer.sieveMailbox,
    sieveMailbox: false,
    stagesToArchive: false,
    checksSince: false,
    longestName: longestName(release),
    listsIntermediates: release === undefined || !isOlder(release, [3, 4]),
    takesNotifications: release === undefined || !isOlder(release, [3, 8]),
    takesKeywords: release !== undefined && !isOlder(release, [3, 12]),
    takesGroups: release !== undefined && !isOlder(release, [3, 12]),
    takesDevelopmentFields: release !== undefined && !isOlder(release, [3, 13]),
    unmailboxTakesId: offer.unmailboxId,
    unuserTakesDeleted: release !== undefined && isOlder(release, [3, 4]),
    findsUniqueids: offer.sieveMailbox || (release !== undefined && !isOlder(release, [3, 6])),
  };
  const session = createSession(queue, info);
  const wanted: string[] = [];
  if (offer.sieveMailbox && settings.sieveMailbox) wanted.push(SIEVE_MAILBOX);
  if (offer.archive && settings.stageToArchive) wanted.push(ARCHIVE);
  // A user who is no admin is refused every command: better said at once than for each mailbox. Up to 3.4 there is nothing
  // to enable, and RESTART does nothing here but ask.
  const asks = release !== undefined && isOlder(release, [3, 6]);
  let enabled: string[] = [];
  try {
    if (wanted.length > 0) enabled = await enable(queue, wanted);
    else if (asks) await session.restart();
  } catch (error) {
    throw explained(SyncError.from(error), offer);
  }
  info.sieveMailbox = enabled.includes(SIEVE_MAILBOX);
  info.checksSince = info.sieveMailbox;
  info.stagesToArchive = enabled.includes(ARCHIVE);
  return session;
}

/** @returns those of the names that the replica enabled @throws SyncError for an account that may do nothing */
function enable(queue: CommandQueue, names: readonly string[]): Promise<string[]> {
  let enabled: string[] = [];
  return queue.submit({
    verb: 'APPLY',
    name: 'ENABLED',
    args: () => `CAPABILITIES ${encodeStrings(names)}`,
    untagged: dispatch({
      ENABLED: (value) => {
        enabled = stringItems(requireList(value, 'ENABLED'), 'ENABLED', CAPABILITY);
      },
    }),
    result: () => enabled,
    refused: (_error, text) => (isNotAdmin(text) ? undefined : { result: [] }),
  });
}

/** imapd lists X-REPLICATION to everybody, and does not know its commands when a user who is no admin sends them. */
function explained(error: SyncError, offer: Offer): SyncError {
  if (error.code !== 'IMAP_PROTOCOL_ERROR' || error.family !== 'refused' || offer.flavour !== 'imap')
    return error;
  return new SyncError('IMAP_REMOTE_DENIED', error.message, { ...error.toData(), hint: NOT_ADMIN_HINT });
}
