import { atom, atomOf, guidOf, list, mapOf } from '../wire/fields.ts';
import type { Handler } from './command-context.ts';

/** APPLY RESERVE: which of these messages does the replica have already, in these mailboxes? */
export const applyReserve: Handler = (context, value) => {
  const map = mapOf(value);
  const partition = atom(map, 'PARTITION');
  const names = list(map, 'MBOXNAME');
  const guids = list(map, 'GUID').map((item) => guidOf(item, 'GUID'));
  context.stage.flush();
  const ids = new Set<number>();
  for (const item of names) {
    const row = context.storage.mailboxes.get(atomOf(item, 'MBOXNAME'));
    if (row !== undefined) ids.add(row.id);
  }
  const missing = guids.filter((guid) => !context.stage.reserve(partition, guid, ids));
  if (missing.length > 0) context.send(`* MISSING (${missing.join(' ')})\r\n`);
};

/** APPLY MESSAGE: the files went to the stage while they were read; NIL items are files the client could not read. */
export const applyMessage: Handler = (context) => {
  context.stage.flush();
};
