import type { PoolSetup } from '../../coordinator/pool/messages.ts';
import type { RunParts } from '../../coordinator/run/run.ts';
import type { ConnectionSettings } from '../../protocol/connection-settings.ts';
import { SyncError } from '../../report/sync-error.ts';
import type { MasterStore } from '../../store/master-store.ts';
import type { StoreLayout } from '../../store/paths/store-layout.ts';
import { findOnlyThere, type Here, hereByList, hereByRows } from '../../verify/find-only-there.ts';

/** Asks the replica for whom it has and this server has not, and tells how that went. */
export class ReplicaListing {
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
      const only = await findOnlyThere(this.#connection, this.#layout, this.#hereOf(store));
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
