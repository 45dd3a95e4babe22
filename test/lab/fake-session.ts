import type { ReplicaSession } from '../../src/protocol/replica-session.ts';
import { SyncError } from '../../src/report/sync-error.ts';

/** The few parts of a session that a batch runner touches; the engine has the rest to itself. */
export function fakeSession(log: string[]): ReplicaSession {
  let reason = new SyncError('LINK_BROKEN', 'the connection was closed by this end', { family: 'link' });
  const unused = async (): Promise<never> => {
    if (broken) throw reason;
    throw new Error('only the engine speaks to the replica');
  };
  let broken = false;
  const session: ReplicaSession = {
    info: {
      server: 'replica',
      flavour: 'csync',
      banner: '',
      mechanism: undefined,
      tls: false,
      exposure: undefined,
      compression: false,
      keepsWhatIsEnabled: false,
      sieveMailbox: true,
      stagesToArchive: false,
      checksSince: true,
      longestName: 490,
      listsIntermediates: true,
      takesKeywords: false,
      takesNotifications: true,
      takesGroups: false,
      takesDevelopmentFields: false,
      unmailboxTakesId: false,
      unuserTakesDeleted: false,
      findsUniqueids: true,
    },
    servedMs: 0,
    wayMs: 0,
    backlogMs: undefined,
    storeMs: undefined,
    traffic: { sentOctets: 0, receivedOctets: 0, answers: 0 },
    get broken() {
      return broken;
    },
    restart: unused,
    exit: async () => {
      log.push('exit');
    },
    destroy: (why) => {
      if (!broken) {
        log.push('destroy');
        if (why) reason = SyncError.from(why);
      }
      broken = true;
    },
    window: unused,
    getUser: unused,
    getMailboxes: unused,
    getUniqueids: unused,
    getMeta: unused,
    getAnnotation: unused,
    getFullMailbox: unused,
    fetchMessage: unused,
    applyReserve: unused,
    applyMessages: unused,
    applyMailbox: unused,
    applyRename: unused,
    applyUnmailbox: unused,
    applySub: unused,
    applyUnsub: unused,
    applySeen: unused,
    applyQuota: unused,
    applyUnquota: unused,
    applyAnnotation: unused,
    applyUnannotation: unused,
    applySieve: unused,
    applyUnsieve: unused,
    applyActivateSieve: unused,
    applyUnactivateSieve: unused,
    applyUnuser: unused,
    noop: unused,
  };
  return session;
}
