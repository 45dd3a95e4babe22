import type { Action } from '../../replicate/engine.ts';
import type { LogLine } from '../log/log-line.ts';

/** The actions that one line of the log asks for. Actions of one line are tied together. */
export function actionsOfLine(line: LogLine): Action[] {
  switch (line.type) {
    case 'USER':
      return [{ kind: 'user', userid: line.userid }];
    case 'UNUSER':
      return [{ kind: 'unuser', userid: line.userid }];
    case 'META':
    case 'SIEVE':
      return [{ kind: 'meta', userid: line.userid }];
    case 'MAILBOX':
    case 'APPEND':
      return [{ kind: 'mailboxes', names: [line.name] }];
    case 'DOUBLEMAILBOX':
      return [{ kind: 'mailboxes', names: [line.from, line.to] }];
    case 'RENAME':
      // Two actions: a user and a shared mailbox are tied too.
      return [
        { kind: 'mailboxes', names: [line.from] },
        { kind: 'mailboxes', names: [line.to] },
      ];
    case 'UNMAILBOX':
      return [{ kind: 'unmailbox', name: line.name }];
    case 'QUOTA':
      return [{ kind: 'quota', root: line.root }];
    case 'ANNOTATION':
      return [{ kind: 'annotation', name: line.name }];
    case 'SEEN':
      return [{ kind: 'seen', userid: line.userid, uniqueid: line.uniqueid }];
    case 'SUB':
    case 'UNSUB':
      return [{ kind: 'sub', userid: line.userid, name: line.name }];
  }
}
