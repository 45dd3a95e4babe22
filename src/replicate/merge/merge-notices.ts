import type { ByteString } from '../../byte-string.ts';
import type { NoticeEvent } from '../../report/events.ts';
import type { DivergedReason } from '../compare/compare-mailbox.ts';
import type { Decision } from './merge-records.ts';

/** Log lines of a merge, in the C client's words where it has them (algorithm 11.3). */
export function divergedNotice(name: ByteString, reason: DivergedReason, detail: string): NoticeEvent {
  if (reason === 'cleaned-up-on-master') {
    return { kind: 'notice', level: 'notice', text: `inefficient replication (${detail}) ${name}` };
  }
  if (reason === 'checksum-refused' || reason.startsWith('crc-differs')) {
    return { kind: 'notice', level: 'error', text: `CRC failure on sync for ${name}, trying full update` };
  }
  return {
    kind: 'notice',
    level: 'notice',
    text: `SYNCNOTICE: ${name} has diverged (${detail}), trying full update`,
  };
}

export function decisionNotices(name: ByteString, decision: Decision): NoticeEvent[] {
  const { uid, rule, masterGuid, replicaGuid } = decision;
  const notice = (text: string, level: NoticeEvent['level'] = 'notice'): NoticeEvent => ({
    kind: 'notice',
    level,
    text,
  });
  const both = masterGuid !== undefined && replicaGuid !== undefined;
  if (both && masterGuid !== replicaGuid) {
    return [
      notice(
        `SYNCERROR: guid mismatch: mailbox=<${name}> uid=<${uid}> rguid=<${replicaGuid}> mguid=<${masterGuid}>`,
        'error',
      ),
    ];
  }
  switch (rule) {
    case 'replica-newer':
      return [notice(`SYNCNOTICE: record mismatch with replica: ${name} more recent on replica uid:${uid}`)];
    case 'master-kept':
      return [notice(`SYNCNOTICE: record mismatch with replica: ${name} more recent on master uid:${uid}`)];
    case 'modseq-bumped':
      return [notice(`SYNCNOTICE: bumping modseq: mailbox=<${name}> uid=<${uid}>`)];
    case 'sent':
      return [];
    default:
      if (both) return [];
      return [
        notice(
          `SYNCNOTICE: record only exists on ${masterGuid === undefined ? 'replica' : 'master'}: mailbox=<${name}> uid=<${uid}>`,
        ),
      ];
  }
}
