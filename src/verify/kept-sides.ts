import { isDeepStrictEqual } from 'node:util';
import type { ByteString } from '../byte-string.ts';
import type { OnUnusable, ReplicaSession, ReplicaUser } from '../protocol/replica-session.ts';
import type { EngineContext } from '../replicate/engine.ts';
import type { SyncError } from '../report/sync-error.ts';
import type { MailboxView, MasterStore } from '../store/master-store.ts';

/** The part of a context that tells of the two sides. */
export type Sides = Pick<EngineContext, 'session' | 'store' | 'borrow'>;

interface Answer {
  userid: ByteString;
  user: ReplicaUser;
  unusable: [mailbox: ByteString, error: SyncError][];
}

/** Mailboxes that are kept of one job: more than nearly anybody has. */
const MOST_VIEWS = 1_000;
/** These tell what is kept of a user as well. */
const OF_USERS = ['mailboxesOf', 'subscriptions', 'seen'] as const;
type OfUsers = (typeof OF_USERS)[number];
/** These lay messages ready, which changes nothing that a replica tells of a user. */
const STAGING: readonly (keyof ReplicaSession)[] = ['applyReserve', 'applyMessages'];

/**
 * Keeps what a job has seen of both sides, for whoever compares them afterwards: the master's mailboxes as it read them last, with
 * the user's subscriptions and seen states, and the latest answer to GET USER as long as the job sends nothing behind it, when another question would be answered alike
 * but for what others do there. So what is proven is that the replica has what the job was to bring, and neither side is
 * asked twice for that; what is changed here meanwhile comes with the next run.
 */
export class KeptSides {
  readonly #real: Sides;
  #answer: Answer | undefined;
  readonly #views = new Map<ByteString, MailboxView>();
  readonly #ofUsers = new Map<string, readonly unknown[]>();

  constructor({ session, store, borrow }: Sides) {
    this.#real = { session, store, borrow };
  }

  /** The sides for the job. */
  heard(): Sides {
    const { borrow } = this.#real;
    return {
      // What goes over another connection is not heard.
      borrow: borrow && (() => this.#forgetAnd(borrow)),
      session: except(this.#real.session, (name, own) => {
        if (name === 'getUser') return this.#askAndKeep;
        if (!name.startsWith('apply') || STAGING.includes(name)) return own;
        return (...args: unknown[]) => {
          this.#answer = undefined;
          return own(...args);
        };
      }),
      store: except(this.#real.store, (name, own) => {
        if (name === 'peek') return this.#peekAndKeep;
        if (name === 'readMailbox') return this.#readAndKeep;
        return isOfUsers(name) ? this.#listAndKeep(name) : own;
      }),
    };
  }

  /** The sides for the comparison: each thing is told once as it was kept, and asked for from then on. */
  told(): Sides {
    return {
      borrow: this.#real.borrow,
      session: except(this.#real.session, (name, own) => (name === 'getUser' ? this.#tellOrAsk : own)),
      store: except(this.#real.store, (name, own) => {
        if (name === 'peek') return this.#tellOrPeek;
        if (name === 'refresh') return this.#refreshUntold;
        return isOfUsers(name) ? this.#tellOrList(name) : own;
      }),
    };
  }

  #forgetAnd(borrow: NonNullable<Sides['borrow']>): ReturnType<typeof borrow> {
    this.#answer = undefined;
    return borrow();
  }

  readonly #askAndKeep: ReplicaSession['getUser'] = async (userid, onUnusable) => {
    const unusable: Answer['unusable'] = [];
    this.#answer = undefined;
    const note: OnUnusable = (mailbox, error) => {
      unusable.push([mailbox, error]);
      onUnusable?.(mailbox, error);
    };
    const user = await this.#real.session.getUser(userid, onUnusable && note);
    this.#answer = { userid, user, unusable };
    return user;
  };

  readonly #tellOrAsk: ReplicaSession['getUser'] = async (userid, onUnusable) => {
    const answer = this.#answer;
    this.#answer = undefined;
    if (answer?.userid !== userid) return await this.#real.session.getUser(userid, onUnusable);
    for (const [mailbox, error] of answer.unusable) onUnusable?.(mailbox, error);
    return answer.user;
  };

  readonly #readAndKeep: MasterStore['readMailbox'] = (name, read) =>
    this.#real.store.readMailbox(name, (mailbox) => {
      this.#keep(mailbox);
      return read(mailbox);
    });

  readonly #peekAndKeep: MasterStore['peek'] = async (entries) => {
    const views = await this.#real.store.peek(entries);
    for (const view of views.values()) this.#keep(view);
    return views;
  };

  readonly #tellOrPeek: MasterStore['peek'] = async (entries) => {
    const known = entries.flatMap((entry): [typeof entry, MailboxView][] => {
      const view = this.#views.get(entry.name);
      return view && isDeepStrictEqual(view.entry, entry) ? [[entry, view]] : [];
    });
    const told = new Map(known);
    for (const { name } of entries) this.#views.delete(name);
    const others = entries.filter((entry) => !told.has(entry));
    if (others.length === 0) return told;
    return new Map([...told, ...(await this.#real.store.peek(others))]);
  };

  #listAndKeep(name: OfUsers) {
    return (userid: ByteString): readonly unknown[] => {
      const list = this.#real.store[name](userid);
      const key = `${name} ${userid}`;
      if (list.length <= MOST_VIEWS) this.#ofUsers.set(key, list);
      else this.#ofUsers.delete(key);
      return list;
    };
  }

  #tellOrList(name: OfUsers) {
    return (userid: ByteString): readonly unknown[] => {
      const key = `${name} ${userid}`;
      const list = this.#ofUsers.get(key) ?? this.#real.store[name](userid);
      this.#ofUsers.delete(key);
      return list;
    };
  }

  /** Users whose list is told as it was kept are not refreshed for it. */
  readonly #refreshUntold: MasterStore['refresh'] = async ({ users, ...others }) => {
    const untold = users?.filter((userid) => !this.#ofUsers.has(`mailboxesOf ${userid}`));
    await this.#real.store.refresh({ ...(untold && { users: untold }), ...others });
  };

  #keep({ entry, state, annotations }: MailboxView): void {
    this.#views.delete(entry.name);
    if (this.#views.size < MOST_VIEWS)
      this.#views.set(entry.name, { entry, state: { ...state }, annotations });
  }
}

function isOfUsers(name: string): name is OfUsers {
  return (OF_USERS as readonly string[]).includes(name);
}

type AnyMethod = (...args: never[]) => unknown;

/** @param method tells, when one is asked for first, what stands in the place of that method */
function except<Target extends object>(
  target: Target,
  method: (name: keyof Target & string, own: (...args: unknown[]) => unknown) => AnyMethod,
): Target {
  const methods = new Map<string, AnyMethod>();
  return new Proxy(target, {
    get: (_target, name: keyof Target & string) => {
      const known = methods.get(name);
      if (known) return known;
      const own: unknown = target[name];
      if (typeof own !== 'function') return own;
      const inPlace = method(name, own.bind(target));
      methods.set(name, inPlace);
      return inPlace;
    },
  });
}
