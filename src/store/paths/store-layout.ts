/**
 * The door of `store/paths`. Here names become paths: spellings of mailbox names, directories by name and by uniqueid,
 * files of users, locks. It may compute and nothing else: no file is opened. What is no name by its grammar never becomes a
 * path.
 */

import type { ByteString } from '../../byte-string.ts';

/**
 * Everything the store readers need to know of imapd.conf, as frozen plain data that can be handed to a worker thread
 * (store 1.4).
 */
export interface StoreLayout {
  configdirectory: string;
  /** partition-NAME and so on; names lower-cased. */
  partitions: ReadonlyMap<string, string>;
  metaPartitions: ReadonlyMap<string, string>;
  archivePartitions: ReadonlyMap<string, string>;
  /** metadir-KIND-NAME, keyed `kind-name`. */
  metaDirectories: ReadonlyMap<string, string>;
  metapartitionFiles: readonly string[];
  archiveEnabled: boolean;
  hashimapspool: boolean;
  fulldirhash: boolean;
  virtdomains: 'off' | 'userid' | 'on';
  defaultdomain: ByteString;
  unixhierarchysep: boolean;
  deletedprefix: ByteString;
  mboxlistPath: string;
  annotationPath: string;
  /** Directory that holds `quota/` for quotalegacy; or a database file for another type. */
  quotaPath: string;
  quotaDatabase: string;
  /** Up to 3.4 the keys of mailboxes, quotas and subscriptions are in mailbox order (store 2.1). */
  improvedMailboxSort: boolean;
  conversations: boolean;
  reverseacls: boolean;
  /** Groups of users are kept in the list of mailboxes (`auth_mech`, from 3.12 on): who has none there is in none. */
  mboxgroups: boolean;
  lockPath: string;
  sievedir: string;
  sieveusehomedir: boolean;
  sieveFolder: ByteString;
  jmapsubmissionfolder: ByteString;
  /** How Cyrus spells its user namespace lock (store 11.2): 3.4 to 3.10, from 3.12 on, or either of them. */
  userLock: 'userid' | 'inbox' | 'either';
}
