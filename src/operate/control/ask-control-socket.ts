import { statSync } from 'node:fs';
import { connect } from 'node:net';
import { SyncError } from '../../report/sync-error.ts';

/** A run answers in a moment, unless its host is very busy. */
const ANSWER_MS = 10_000;
/** A listing of a thousand users fits many times. */
const MOST_ANSWER_OCTETS = 16 * 1024 * 1024;

const CUT_OFF =
  'the connection was closed before all was answered: too many ask at once, or the run has ended';

/**
 * Says one line to a run and gives back all that it answers.
 *
 * @param request octets
 * @throws SyncError CONNECT_FAILED if nobody answers there, or not to the end
 */
export function askControlSocket(path: string, request: string, timeoutMs = ANSWER_MS): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let octets = 0;
    const socket = connect(path);
    const fail = (why: string): void => {
      socket.destroy();
      reject(
        new SyncError('CONNECT_FAILED', `${path}: ${why}`, {
          hint: 'cyrus-sync status lists the runs of this host; who may ask is the user that the run goes by, and root',
        }),
      );
    };
    socket.setTimeout(timeoutMs, () => fail(`no answer in ${timeoutMs / 1_000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => fail(reasonOf(error, path)));
    socket.on('connect', () => socket.end(Buffer.from(`${request}\n`, 'latin1')));
    socket.on('data', (chunk: Buffer) => {
      octets += chunk.length;
      if (octets > MOST_ANSWER_OCTETS) fail('the answer is too long');
      else chunks.push(chunk);
    });
    socket.on('end', () => {
      const answer = Buffer.concat(chunks).toString('utf8');
      // Every answer ends a line: one that does not was cut off, and an empty one is that of a run with too many connections.
      if (answer.endsWith('\n')) resolve(answer.slice(0, -1));
      else fail(CUT_OFF);
    });
  });
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no run has that name',
  ECONNREFUSED: 'the run that had this name has died',
  ECONNRESET: CUT_OFF,
  EPIPE: CUT_OFF,
  EACCES: 'permission denied',
};

function reasonOf({ code = '', message }: NodeJS.ErrnoException, path: string): string {
  if (code === 'ECONNREFUSED' && statSync(path, { throwIfNoEntry: false })?.isSocket() === false) {
    return 'expected the socket of a run, found something else';
  }
  return REASONS[code] ?? message;
}
