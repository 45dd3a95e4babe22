import { SyncError } from '../../../src/report/sync-error.ts';
import { appendToLog } from '../../../src/rolling/log/append-to-log.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { LogLine } from '../../../src/rolling/log/log-line.ts';

/** Writes more to a log than the limit of this process lets it, and says how that ended: `WHAT FILE`. */
const [what = '', file = ''] = process.argv.slice(2);
const many = Array.from({ length: 1_000 }, (_, i): LogLine => ({ type: 'MAILBOX', name: `user.alice.${i}` }));

const log = new ChannelLog(file, () => undefined);
try {
  if (what === 'append') await appendToLog(file, many);
  if (what === 'join') {
    await log.take(
      () => [],
      () => undefined,
      () => undefined,
    );
    await appendToLog(file, [{ type: 'USER', userid: 'bob' }]);
    await log.take(
      () => many,
      () => undefined,
      () => undefined,
    );
  }
  if (what === 'keep') {
    await log.take(
      () => [],
      () => undefined,
      () => undefined,
    );
    log.keep(many);
  }
  process.stdout.write('done');
} catch (caught) {
  process.stdout.write(SyncError.from(caught).code);
}
