import type { MessageUpload } from './replica-session.ts';

/** Closes what streams of these messages hold open, for whoever has taken them over and sends no more of them. */
export function giveUpMessages(messages: readonly MessageUpload[]): void {
  for (const { content } of messages) if (!Buffer.isBuffer(content)) content[Symbol.dispose]();
}
