import { encodeFileHead } from '../../protocol/dlist/encoders.ts';
import { answerString } from '../wire/answer-string.ts';
import { atom, guidOf, mapOf, num32 } from '../wire/fields.ts';
import { refusal } from '../wire/refusal.ts';
import type { Handler } from './command-context.ts';

/** GET FETCH: by mailbox and UID. The GUID is only echoed, as the real server does (protocol 9). */
export const getFetch: Handler = (context, value) => {
  const map = mapOf(value);
  const name = atom(map, 'MBOXNAME');
  const partition = atom(map, 'PARTITION');
  const uniqueid = atom(map, 'UNIQUEID');
  const guid = guidOf(map.get('GUID'), 'GUID');
  const uid = num32(map, 'UID');
  const { mailboxes, messages } = context.storage;
  const row = mailboxes.byUniqueid(uniqueid);
  const record = row?.partition === partition ? mailboxes.record(row.id, uid) : undefined;
  const content = record === undefined || record.unlinked ? undefined : messages.get(record.guid);
  if (content === undefined)
    throw refusal('IMAP_MAILBOX_NONEXISTENT', `no message file for UID ${uid}`, name);
  context.send(`* MESSAGE ${encodeFileHead(partition, guid, content.length)}`);
  context.send(context.damaged ? damaged(content) : content);
  context.send('\r\n');
};

function damaged(content: Buffer): Buffer {
  return Buffer.from(content.map((octet) => octet ^ 1));
}

export const getFetchSieve: Handler = (context, value) => {
  const map = mapOf(value);
  const userid = atom(map, 'USERID');
  const filename = atom(map, 'FILENAME');
  const script = context.storage.users.script(userid, filename);
  if (script === undefined) throw refusal('IMAP_MAILBOX_NONEXISTENT', `${userid} has no script ${filename}`);
  const content = `{${script.content.length}}\r\n${script.content}`;
  context.send(
    `* SIEVE %(USERID ${answerString(userid)} FILENAME ${answerString(filename)} CONTENT ${content})\r\n`,
  );
};
