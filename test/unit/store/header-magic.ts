/** The first lines of every cyrus.header (store 5). */
export const HEADER_MAGIC = Buffer.concat([
  Buffer.from([0xa1, 0x02, 0x8b, 0x0d]),
  Buffer.from(
    'Cyrus mailbox header\n"The best thing about this system was that it had lots of goals."\n\t--Jim Morris on Andrew\n',
  ),
]);
