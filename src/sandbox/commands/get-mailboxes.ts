import type { ByteString } from '../../byte-string.ts';
import { deletedRoot, userRoots } from '../storage/names.ts';
import { isIntermediate, type MailboxRow } from '../storage/rows.ts';
import { answerString } from '../wire/answer-string.ts';
import { encodeMailboxFields, encodeQuota, encodeRecord } from '../wire/encode-rows.ts';
import { atomOf, listOf } from '../wire/fields.ts';
import { refusal } from '../wire/refusal.ts';
import type { CommandContext, Handler } from './command-context.ts';
import { sendMeta } from './get-meta.ts';

/** GET USER: the user's mailboxes, then the deleted ones, their quota roots, and all that GET META tells. */
export const getUser: Handler = (context, value) => {
  // A kvlist, as the upstream document has it, is no userid: nothing is told (protocol 9).
  if (typeof value !== 'string') return;
  const userid = atomOf(value, 'USER');
  const { storage } = context;
  const roots = userRoots(userid);
  const quotaroots = new Set<ByteString>();
  let exists = false;
  const tell = (row: MailboxRow) => {
    if (!isVisible(context, row)) return;
    const quotaroot = sendMailbox(context, row);
    if (isIntermediate(row)) return;
    exists = true;
    if (quotaroot !== undefined) quotaroots.add(quotaroot);
  };
  for (const root of roots) for (const row of storage.mailboxes.tree(root)) tell(row);
  for (const root of roots) for (const row of storage.mailboxes.below(deletedRoot(root))) tell(row);
  for (const root of quotaroots) sendQuota(context, root);
  if (exists) sendMeta(context, userid);
};

/** GET MAILBOXES: names that do not exist are left out without a word. */
export const getMailboxes: Handler = (context, value) => {
  for (const item of listOf(value)) {
    const row = context.storage.mailboxes.get(atomOf(item, 'MBOXNAME'));
    if (row !== undefined && isVisible(context, row)) sendMailbox(context, row);
  }
};

export const getUniqueids: Handler = (context, value) => {
  for (const item of listOf(value)) {
    const row = context.storage.mailboxes.byUniqueid(atomOf(item, 'UNIQUEID'));
    if (row !== undefined && isVisible(context, row)) sendMailbox(context, row);
  }
};

/** GET FULLMAILBOX: with all records, expunged and unlinked ones too. */
export const getFullMailbox: Handler = async (context, value) => {
  const name = atomOf(value, 'FULLMAILBOX');
  const { mailboxes, users } = context.storage;
  const row = mailboxes.get(name);
  if (row === undefined || isIntermediate(row))
    throw refusal('IMAP_MAILBOX_NONEXISTENT', 'no such mailbox', name);
  context.send(`* MAILBOX %(${encodeMailboxFields(row, users.quotarootOf(name))} RECORD (`);
  let separator = '';
  for (const record of mailboxes.records(row.id)) {
    context.send(separator + encodeRecord(record));
    separator = ' ';
    await context.room();
  }
  context.send('))\r\n');
};

export const getQuota: Handler = (context, value) => {
  sendQuota(context, atomOf(value, 'QUOTA'));
};

/** GET ANNOTATION: of one mailbox, or of the server for an empty name. */
export const getAnnotation: Handler = (context, value) => {
  const name = atomOf(value, 'ANNOTATION');
  const { mailboxes, users } = context.storage;
  const annotations = name === '' ? users.serverAnnotations() : mailboxes.get(name)?.annotations;
  if (annotations === undefined) throw refusal('IMAP_MAILBOX_NONEXISTENT', 'no such mailbox', name);
  for (const { entry, userid, value: text } of annotations) {
    const fields = [name, entry, userid, text].map(answerString);
    context.send(
      `* ANNOTATION %(MBOXNAME ${fields[0]} ENTRY ${fields[1]} USERID ${fields[2]} VALUE ${fields[3]})\r\n`,
    );
  }
};

/** @returns the quota root that was told with it */
function sendMailbox(context: CommandContext, row: MailboxRow): ByteString | undefined {
  const quotaroot = context.storage.users.quotarootOf(row.name);
  context.send(`* MAILBOX %(${encodeMailboxFields(row, quotaroot)})\r\n`);
  return quotaroot;
}

function sendQuota(context: CommandContext, root: ByteString): void {
  const quota = context.storage.users.quota(root);
  if (quota !== undefined) context.send(`* QUOTA ${encodeQuota(quota)}\r\n`);
}

/** A client that does not know `#sieve` is told of its scripts by SIEVE lines instead. */
function isVisible(context: CommandContext, row: MailboxRow): boolean {
  return context.session.sieveMailbox || !row.type.includes('f');
}
