import type { ByteString } from '../../byte-string.ts';
import type { Job } from './messages.ts';

/** Equal work has equal keys; within one run no two jobs of one key exist. */
export function jobKey(job: Job): string {
  if (job.kind !== 'mailboxes') return `${job.kind}:${job.userid}`;
  // Mailbox jobs of one run never share a name.
  return `mailboxes:${job.names[0] ?? ''}`;
}

/** The name that events and reports know a job by: '' for mailboxes of nobody. */
export function jobUser(job: Job): ByteString {
  return job.kind === 'mailboxes' ? (job.owners[0] ?? '') : job.userid;
}
