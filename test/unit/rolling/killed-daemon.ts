import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../../src/coordinator/clock.ts';
import { RollingDaemon } from '../../../src/rolling/daemon/rolling-daemon.ts';
import { ChannelLog } from '../../../src/rolling/log/channel-log.ts';
import type { UnitOutcome } from '../../../src/rolling/queue/rolling-unit.ts';
import { ownerOf } from './names.ts';

/**
 * A rolling daemon as a process of its own, to be killed: `LOG DONE MODE`. Replicating a mailbox means to write its name
 * to the file DONE. Says a word on stdout for each unit begun.
 */
const [file = '', done = '', mode = ''] = process.argv.slice(2);
/** Failing and slow users keep log-run in use, so that logs get joined. */
const SLOW = 40;

const daemon = new RollingDaemon(
  {
    channel: undefined,
    server: 'replica',
    once: mode === 'once',
    parallel: 3,
    repeatIntervalMs: 0,
    sessionTimeoutMs: 0,
    connectOnce: true,
    reconnectMaxWaitSeconds: 1,
    exitWhenReplicaGone: false,
    relogLocked: false,
    reportIntervalMs: 0,
  },
  {
    log: new ChannelLog(file, () => {}),
    ownerOf,
    inboxOf: () => undefined,
    async run(unit): Promise<UnitOutcome> {
      process.stdout.write('unit\n');
      await sleep(unit.users.includes('u0') ? SLOW : 1);
      for (const action of unit.actions) {
        if (action.kind === 'mailboxes')
          appendFileSync(done, action.names.map((name) => `${name}\n`).join(''));
      }
      return { results: unit.actions.map(() => ({ kind: 'done' })) };
    },
    connect: async () => {},
    restart: async () => {},
    isPaused: () => false,
    isSkipped: () => false,
    shutdownRequested: () => false,
    clock: systemClock,
    random: Math.random,
    emit: () => {},
  },
);
const end = await daemon.run();
process.exitCode = end.unfinished === 0 ? 0 : 1;
