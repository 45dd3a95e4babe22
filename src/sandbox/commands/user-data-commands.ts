import { compareAnnotations } from '../storage/checksums.ts';
import { ownerOf } from '../storage/names.ts';
import type { AnnotationRow, MailboxRow, QuotaRow } from '../storage/rows.ts';
import { atom, atomOf, mapOf, num32, num64, optional } from '../wire/fields.ts';
import { refusal } from '../wire/refusal.ts';
import type { CommandContext, Handler } from './command-context.ts';

/** APPLY SUB: the mailbox need not exist. */
export const applySub: Handler = (context, value) => {
  const map = mapOf(value);
  const [name, userid] = [atom(map, 'MBOXNAME'), atom(map, 'USERID')];
  context.storage.transact(() => context.storage.users.subscribe(userid, name));
};

export const applyUnsub: Handler = (context, value) => {
  const map = mapOf(value);
  const [name, userid] = [atom(map, 'MBOXNAME'), atom(map, 'USERID')];
  context.storage.transact(() => context.storage.users.unsubscribe(userid, name));
};

/** APPLY SEEN: overwrites the entry of one user for one mailbox. */
export const applySeen: Handler = (context, value) => {
  const map = mapOf(value);
  const userid = atom(map, 'USERID');
  const seen = {
    uniqueid: atom(map, 'UNIQUEID'),
    lastread: num64(map, 'LASTREAD'),
    lastuid: num32(map, 'LASTUID'),
    lastchange: num64(map, 'LASTCHANGE'),
    seenuids: atom(map, 'SEENUIDS'),
  };
  context.storage.transact(() => context.storage.users.putSeen(userid, seen));
};

const UNLIMITED = 4294967295;

/** APPLY QUOTA: a resource that is not named is unlimited; LIMIT is the old name of STORAGE. */
export const applyQuota: Handler = (context, value) => {
  const map = mapOf(value);
  const limit = (...keys: string[]): number | undefined => {
    for (const key of keys) {
      const found = optional(map, key, num64, UNLIMITED);
      if (found !== UNLIMITED) return found;
    }
    return undefined;
  };
  const quota: QuotaRow = {
    root: atom(map, 'ROOT'),
    storage: limit('STORAGE', 'LIMIT'),
    messages: limit('MESSAGE'),
    annotationStorage: limit('X-ANNOTATION-STORAGE', 'ANNOTATION-STORAGE'),
    folders: limit('X-NUM-FOLDERS', 'MAILBOX'),
    modseq: optional(map, 'MODSEQ', num64, 0),
  };
  context.storage.transact(() => context.storage.users.putQuota(quota));
};

export const applyUnquota: Handler = (context, value) => {
  const root = atomOf(value, 'UNQUOTA');
  context.storage.transact(() => context.storage.users.removeQuota(root));
};

export const applyAnnotation: Handler = (context, value) => {
  const map = mapOf(value);
  const name = atom(map, 'MBOXNAME');
  const entry = atom(map, 'ENTRY');
  const userid = atom(map, 'USERID');
  setAnnotation(context, name, { entry, userid, modseq: 0, value: atom(map, 'VALUE') });
};

export const applyUnannotation: Handler = (context, value) => {
  const map = mapOf(value);
  const name = atom(map, 'MBOXNAME');
  const entry = atom(map, 'ENTRY');
  setAnnotation(context, name, { entry, userid: atom(map, 'USERID'), modseq: 0, value: '' });
};

/** An empty value removes. `name` empty: an annotation of the server. */
function setAnnotation(context: CommandContext, name: string, annotation: AnnotationRow): void {
  const { storage } = context;
  storage.transact(() => {
    if (name === '') {
      const changed = withAnnotation(storage.users.serverAnnotations(), annotation);
      if (changed !== undefined) storage.users.putServerAnnotations(changed);
      return;
    }
    const row = storage.mailboxes.get(name);
    if (row === undefined) throw refusal('IMAP_MAILBOX_NONEXISTENT', 'no such mailbox', name);
    const annotations = withAnnotation(row.annotations, annotation);
    if (annotations !== undefined)
      storage.mailboxes.put({ ...row, ...nextModseq(context, row), annotations });
  });
}

/** This one command makes the replica count on by itself (protocol 10.11). */
function nextModseq(
  context: CommandContext,
  row: MailboxRow,
): Pick<MailboxRow, 'highestmodseq' | 'foldermodseq'> {
  const { users } = context.storage;
  const owner = ownerOf(row.name);
  const counter = owner === undefined ? 0 : users.modseq(owner);
  const modseq = Math.max(counter, row.highestmodseq) + 1;
  if (owner !== undefined) users.raiseModseq(owner, modseq);
  return { highestmodseq: modseq, foldermodseq: modseq };
}

/** @returns undefined if nothing changes */
function withAnnotation(old: readonly AnnotationRow[], changed: AnnotationRow): AnnotationRow[] | undefined {
  const isSame = (each: AnnotationRow) => each.entry === changed.entry && each.userid === changed.userid;
  const present = old.find(isSame);
  if ((present?.value ?? '') === changed.value) return undefined;
  const others = old.filter((each) => !isSame(each));
  return changed.value === '' ? others : [...others, changed].sort(compareAnnotations);
}
