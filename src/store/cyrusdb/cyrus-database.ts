import type { ByteString } from '../../byte-string.ts';
import type { SyncError } from '../../report/sync-error.ts';

export type OnDamage = (damage: SyncError) => void;

/** One cyrusdb file, whatever its format, as it was when it was opened. */
export interface CyrusDatabase {
  /** @throws SyncError DATABASE_DAMAGED, IO */
  get(key: ByteString): ByteString | undefined;

  /**
   * The rows whose key starts with `prefix` ('' = all), in the order of the file: that of the octets, but in a skiplist
   * that of signed octets (0x80..0xFF first).
   *
   * @param after begin with the first key strictly after this one, which need not exist
   * @param onDamage is told of damaged records, which are then passed over as far as what follows them can be found
   * @throws SyncError DATABASE_DAMAGED, IO
   */
  entries(
    prefix: ByteString,
    after?: ByteString,
    onDamage?: OnDamage,
  ): Generator<[key: ByteString, value: ByteString]>;
}
