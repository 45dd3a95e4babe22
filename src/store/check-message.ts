import type { IndexRecord, MailboxMessages } from './master-store.ts';

/**
 * Reads a message for no other reason than to know that it is what its record says.
 *
 * @throws SyncError as `readMessage`
 */
export async function checkMessage(
  messages: Pick<MailboxMessages, 'readMessage'>,
  record: IndexRecord,
): Promise<void> {
  const content = await messages.readMessage(record);
  // A stream was checked as a whole before it was handed out.
  if (content && !Buffer.isBuffer(content)) content[Symbol.dispose]();
}
