import type { ByteString } from '../../byte-string.ts';
import type { ErrorData } from '../../report/sync-error.ts';

/** One thing that a sync log asks for (algorithm 9.3). Names are internal names. Plain data. */
export type Action =
  /** Mailboxes are taken together, so that a rename between two of them is seen as one. */
  | { kind: 'mailboxes'; names: ByteString[] }
  | { kind: 'quota'; root: ByteString }
  /** '' = the server's own annotations. */
  | { kind: 'annotation'; name: ByteString }
  | { kind: 'seen'; userid: ByteString; uniqueid: ByteString }
  | { kind: 'sub'; userid: ByteString; name: ByteString }
  | { kind: 'unmailbox'; name: ByteString }
  | { kind: 'meta'; userid: ByteString }
  | { kind: 'user'; userid: ByteString }
  | { kind: 'unuser'; userid: ByteString };

/**
 * The result of one action:
 *  - `failed` by a link error: the connection broke while it was under way;
 *  - `untouched`: not begun, because the link is down, the run is being cancelled, or (an `unuser`) because something
 *    before it failed.
 */
export type ActionResult =
  | { kind: 'done' }
  | { kind: 'locked'; user: ByteString }
  /** `names`: for `mailboxes`, those that are not done; all of them if absent. */
  | { kind: 'failed'; error: ErrorData; names?: ByteString[] }
  | { kind: 'untouched'; error: ErrorData };
