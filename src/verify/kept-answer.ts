import type { ByteString } from '../byte-string.ts';
import type { OnUnusable, ReplicaSession, ReplicaUser } from '../protocol/replica-session.ts';
import type { SyncError } from '../report/sync-error.ts';

interface Kept {
  userid: ByteString;
  user: ReplicaUser;
  unusable: [mailbox: ByteString, error: SyncError][];
}

/** These lay messages ready, which changes nothing that a replica tells of a user. */
const STAGING: readonly (keyof ReplicaSession)[] = ['applyReserve', 'applyMessages'];

function of(session: ReplicaSession, name: keyof ReplicaSession): unknown {
  const value: unknown = session[name];
  return typeof value === 'function' ? value.bind(session) : value;
}

/**
 * Keeps the latest answer to GET USER that a job has had, as long as the job sends nothing behind it: until then another
 * question would be answered alike, but for what others do there.
 */
export class KeptAnswer {
  readonly #real: ReplicaSession;
  #kept: Kept | undefined;

  constructor(session: ReplicaSession) {
    this.#real = session;
  }

  /** The session for the job. */
  readonly heard = (): ReplicaSession =>
    new Proxy(this.#real, {
      get: (session, name: keyof ReplicaSession) => {
        if (name === 'getUser') return this.#askAndKeep;
        if (name.startsWith('apply') && !STAGING.includes(name)) this.#kept = undefined;
        return of(session, name);
      },
    });

  /** The session for whoever compares afterwards: the first time the answer is the kept one, if there is any. */
  readonly told = (): ReplicaSession =>
    new Proxy(this.#real, {
      get: (session, name: keyof ReplicaSession) =>
        name === 'getUser' ? this.#tellOrAsk : of(session, name),
    });

  readonly #askAndKeep: ReplicaSession['getUser'] = async (userid, onUnusable) => {
    const unusable: Kept['unusable'] = [];
    this.#kept = undefined;
    const note: OnUnusable = (mailbox, error) => {
      unusable.push([mailbox, error]);
      onUnusable?.(mailbox, error);
    };
    const user = await this.#real.getUser(userid, onUnusable && note);
    this.#kept = { userid, user, unusable };
    return user;
  };

  readonly #tellOrAsk: ReplicaSession['getUser'] = async (userid, onUnusable) => {
    const kept = this.#kept;
    this.#kept = undefined;
    if (kept?.userid !== userid) return await this.#real.getUser(userid, onUnusable);
    for (const [mailbox, error] of kept.unusable) onUnusable?.(mailbox, error);
    return kept.user;
  };
}
