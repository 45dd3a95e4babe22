import type { ByteString } from '../../byte-string.ts';
import { atom, atomOf, mapOf, num64 } from '../wire/fields.ts';
import { refusal } from '../wire/refusal.ts';
import type { Handler } from './command-context.ts';

/** The sieve commands for clients without SIEVE-MAILBOX (protocol 10.13). */

const SCRIPT_SUFFIX = '.script';
const BYTECODE_SUFFIX = '.bc';

/** `name.bc` for `name.script`. */
export function bytecodeName(filename: ByteString): ByteString {
  return filename.slice(0, -SCRIPT_SUFFIX.length) + BYTECODE_SUFFIX;
}

export const applySieve: Handler = (context, value) => {
  const map = mapOf(value);
  const userid = atom(map, 'USERID');
  const filename = atom(map, 'FILENAME');
  const lastUpdate = num64(map, 'LAST_UPDATE');
  const content = atom(map, 'CONTENT');
  if (!filename.endsWith(SCRIPT_SUFFIX)) return;
  const { storage } = context;
  storage.transact(() => storage.users.putScript(userid, { filename, lastUpdate, content }));
};

/** Nothing is removed of `name.bc`: 3.6 ignores the request, and the script stays active (protocol 17.8). */
export const applyUnsieve: Handler = (context, value) => {
  const map = mapOf(value);
  const userid = atom(map, 'USERID');
  const filename = atom(map, 'FILENAME');
  if (!filename.endsWith(SCRIPT_SUFFIX)) return;
  const { storage } = context;
  storage.transact(() => {
    const { users } = storage;
    if (users.script(userid, filename) === undefined) {
      throw refusal('IMAP_REMOTE_DENIED', `${userid} has no script ${filename}`);
    }
    if (users.activeScript(userid) === bytecodeName(filename)) users.activate(userid, undefined);
    users.removeScript(userid, filename);
  });
};

export const applyActivateSieve: Handler = (context, value) => {
  const map = mapOf(value);
  const userid = atom(map, 'USERID');
  const filename = atom(map, 'FILENAME');
  const { storage } = context;
  storage.transact(() => {
    const name = filename.endsWith(BYTECODE_SUFFIX) ? filename.slice(0, -BYTECODE_SUFFIX.length) : undefined;
    if (name === undefined || storage.users.script(userid, name + SCRIPT_SUFFIX) === undefined) {
      throw refusal('IMAP_REMOTE_DENIED', `${userid} has no script for ${filename}`);
    }
    storage.users.activate(userid, filename);
  });
};

export const applyUnactivateSieve: Handler = (context, value) => {
  const userid = atomOf(mapOf(value).get('USERID'), 'USERID');
  context.storage.transact(() => context.storage.users.activate(userid, undefined));
};
