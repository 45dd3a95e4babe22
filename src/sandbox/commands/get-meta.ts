import { createHash } from 'node:crypto';
import type { ByteString } from '../../byte-string.ts';
import { encodeList } from '../../protocol/dlist/encoders.ts';
import { answerString } from '../wire/answer-string.ts';
import { atomOf } from '../wire/fields.ts';
import type { CommandContext, Handler } from './command-context.ts';
import { bytecodeName } from './sieve-commands.ts';

const NULL_GUID = '0'.repeat(40);

export const getMeta: Handler = (context, value) => {
  sendMeta(context, atomOf(value, 'META'));
};

/** SEEN, LSUB and SIEVE lines of a user (protocol 9.3). */
export function sendMeta(context: CommandContext, userid: ByteString): void {
  const { users } = context.storage;
  for (const { uniqueid, lastread, lastuid, lastchange, seenuids } of users.seen(userid)) {
    const start = `* SEEN %(UNIQUEID ${answerString(uniqueid)} LASTREAD ${lastread} LASTUID ${lastuid}`;
    context.send(`${start} LASTCHANGE ${lastchange} SEENUIDS ${answerString(seenuids)})\r\n`);
  }
  const names = users.subscriptions(userid);
  if (names.length > 0) context.send(`* LSUB ${encodeList(names.map(answerString))}\r\n`);
  if (context.session.sieveMailbox) return;
  const active = users.activeScript(userid);
  for (const { filename, lastUpdate, content } of users.scripts(userid)) {
    const guid = createHash('sha1').update(content, 'latin1').digest('hex');
    sendScript(context, filename, lastUpdate, guid, 0);
    // The server's word for `active`: the compiled script, listed beside its source.
    if (bytecodeName(filename) === active) sendScript(context, active, 0, NULL_GUID, 1);
  }
}

function sendScript(
  context: CommandContext,
  name: ByteString,
  lastUpdate: number,
  guid: string,
  active: 0 | 1,
): void {
  context.send(
    `* SIEVE %(FILENAME ${answerString(name)} LAST_UPDATE ${lastUpdate} GUID ${guid} ISACTIVE ${active})\r\n`,
  );
}
