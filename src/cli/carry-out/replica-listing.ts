import type { ByteString } from '../../byte-string.ts';
import type { PoolSetup } from '../../coordinator/pool/messages.ts';
import type { RunParts } from '../../coordinator/run/run.ts';
import { connectReplica } from '../../protocol/connect/connect-replica.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { StoreLayout } from '../../store/paths/store-layout.ts';
import { findOnlyThere, type Here, hereByList, hereByRows } from '../../verify/find-only-there.ts';

/** Asks the replica for whom it has and this server has not, and tells how that went. */
export class ReplicaListing {
  /** That of the run. */
  readonly #replica: ConnectionSettings;
  /** By IMAP. */
  readonly #connection: ConnectionSettings;
  readonly #isElsewhere: boolean;
  readonly #layout: StoreLayout;
  readonly #hereOf: (store: MasterStore) => Here;
  /** It was to be asked, and did not answer. */
  failed = false;

  constructor({ connection, layout, from }: Pick<PoolSetup, 'connection' | 'layout' | 'from'>) {
    const { imapServer } = connection;
    // The port of imapd.conf is that of the other service.
    const elsewhere = { server: imapServer ?? '', port: undefined, tryImap: true };
    this.#replica = connection;
    this.#connection = imapServer === undefined ? connection : { ...connection, ...elsewhere };
    this.#isElsewhere = imapServer !== undefined;
    this.#layout = layout;
    this.#hereOf = from ? hereByList : hereByRows;
  }

  readonly find: NonNullable<RunParts['findOnlyThere']> = async (store, emit, flavour) => {
    const { server } = this.#connection;
    // A server that is known to speak the other protocol is not asked: it may have no connection left to say so on.
    if (!this.#isElsewhere && (await flavour) === 'csync') {
      emit({ kind: 'verify:listed', listing: 'not-imap', server });
      return undefined;
    }
    try {
      const only = await findOnlyThere(this.#connection, this.#layout, this.#hereOf(store), (names) =>
        findMailboxes(this.#replica, names),
      );
      if (only) emit({ kind: 'verify:listed', listing: 'asked' });
      else emit({ kind: 'verify:listed', listing: 'not-imap', server });
      return only;
    } catch (caught) {
      this.failed = true;
      const error = SyncError.from(caught).toData();
      emit({ kind: 'verify:listed', listing: 'failed', server, error });
      return undefined;
    }
  };
}

/** Names in one command: with virtual domains there can be one for each user. */
const NAMES_AT_A_TIME = 1_000;

/** Asks over a connection of its own which of these mailboxes there are. */
async function findMailboxes(
  connection: ConnectionSettings,
  names: readonly ByteString[],
): Promise<Set<ByteString>> {
  const session = await connectReplica(connection);
  try {
    const found = new Set<ByteString>();
    for (let first = 0; first < names.length; first += NAMES_AT_A_TIME) {
      const mailboxes = await session.getMailboxes(names.slice(first, first + NAMES_AT_A_TIME));
      for (const { name, type } of mailboxes) if (!type.includes('i')) found.add(name);
    }
    await session.exit();
    return found;
  } finally {
    session.destroy();
  }
}
