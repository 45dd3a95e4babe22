import type { ByteString } from '../byte-string.ts';

/** An internal mailbox name as the administrator of this Cyrus types it. */
export type SpellMailbox = (internal: ByteString) => ByteString;
