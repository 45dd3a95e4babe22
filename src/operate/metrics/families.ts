import type { RunView } from '../state/run-view.ts';
import type { MetricFacts } from './metric-facts.ts';

/** All samples of one channel are made of this. */
export interface Snapshot {
  view: RunView;
  facts: MetricFacts;
  /** By the clock that the facts were heard with. */
  nowMs: number;
  version: string;
}

/** A value, or several by their labels. Left out: it does not apply, or is not known yet. */
export type Samples = readonly (readonly [labels: Readonly<Record<string, string>>, value: number])[];

export interface Family {
  /** Without the prefix, and of a counter without `_total`. */
  name: string;
  type: 'gauge' | 'counter';
  help: string;
  labels: readonly string[];
  read(snapshot: Snapshot): Samples;
}

const one = (value: number | null | undefined): Samples =>
  value === null || value === undefined ? [] : [[{}, value]];

const by = (label: string, values: Iterable<readonly [string, number]>): Samples =>
  [...values].map(([key, value]) => [{ [label]: key }, value] as const);

function plain(
  type: Family['type'],
  name: string,
  help: string,
  read: (snapshot: Snapshot) => number | null | undefined,
): Family {
  return { name, type, help, labels: [], read: (snapshot) => one(read(snapshot)) };
}

function labelled(
  type: Family['type'],
  name: string,
  label: string,
  help: string,
  read: (snapshot: Snapshot) => Iterable<readonly [string, number]>,
): Family {
  return { name, type, help, labels: [label], read: (snapshot) => by(label, read(snapshot)) };
}

/**
 * Every metric but the histogram of the lag. Their names and meanings are a promise (docs/metrics.md): a test compares the
 * two.
 */
export const FAMILIES: readonly Family[] = [
  plain('gauge', 'up', 'A run is under way and can be asked', () => 1),
  {
    name: 'run_info',
    type: 'gauge',
    help: 'What is run, where to, and by which version',
    labels: ['server', 'mode', 'version'],
    read: ({ view, version }) => [[{ server: view.server, mode: view.mode ?? '', version }, 1]],
  },
  labelled('gauge', 'state', 'state', 'How the run stands, in one word', ({ view }) => [
    [view.standing.word, 1],
  ]),
  plain(
    'gauge',
    'connections',
    'Connections to the replica that are up',
    ({ view }) => view.connections.length,
  ),
  plain(
    'gauge',
    'connections_most',
    'Connections that there may be',
    ({ view }) => view.connectionsMost?.most,
  ),
  labelled('gauge', 'users', 'state', 'Users without a last word, by how they stand', ({ view }) => {
    const { waiting, running, waitingForLock, waitingToRetry } = view.users;
    return [
      ['waiting', waiting],
      ['copying', running],
      ['waiting-for-lock', waitingForLock],
      ['waiting-to-retry', waitingToRetry],
    ];
  }),
  labelled(
    'counter',
    'done',
    'result',
    'Users with their last word; in rolling mode pieces of work',
    ({ view, facts }) =>
      view.rolling
        ? [
            ['replicated', view.users.done],
            ['failed', view.users.failed],
          ]
        : Object.entries(facts.settled),
  ),
  plain('gauge', 'progress_ratio', 'The part of the work that is done', ({ view }) => view.done),
  plain('gauge', 'seconds_left', 'Time until the end at the pace so far', ({ view }) => view.secondsLeft),
  plain('counter', 'messages', 'Messages that the replica has got', ({ view }) => view.messages),
  plain('counter', 'message_octets', 'Octets of these messages', ({ view }) => view.octets),
  labelled(
    'counter',
    'octets',
    'direction',
    'Octets on the network, compressed as they were',
    ({ facts }) => [
      ['sent', facts.sentOctets],
      ['received', facts.receivedOctets],
    ],
  ),
  plain('counter', 'round_trips', 'Commands that the replica has answered', ({ facts }) => facts.answers),
  plain(
    'counter',
    'apply_seconds',
    'Time that the replica was at work on commands, of all connections together',
    ({ facts }) => facts.servedMs / 1_000,
  ),
  labelled(
    'counter',
    'retries',
    'code',
    'Attempts that failed and are made again, by the code of the error',
    ({ view }) => Object.entries(view.retriesByCode),
  ),
  plain(
    'counter',
    'lock_waits',
    'Attempts for which the lock of a user was held',
    ({ view }) => view.lockWaits,
  ),
  plain('gauge', 'throttled', 'Somebody or something has it pause', ({ view }) =>
    view.standing.word === 'throttled' ? 1 : 0,
  ),
  plain('gauge', 'bwlimit_octets', 'Octets a second that may go out', ({ view }) => view.steering.bwlimit),
  plain('gauge', 'link_up', 'The replica can be reached', ({ view }) =>
    view.rolling?.backlog ? Number(view.rolling.backlog.link === 'up') : undefined,
  ),
  plain(
    'gauge',
    'backlog_lines',
    'Lines of the sync log that are not done',
    ({ view }) => view.rolling?.backlog?.lines,
  ),
  plain('gauge', 'backlog_oldest_seconds', 'Age of the oldest of these lines', ({ view }) =>
    oldestSeconds(view),
  ),
  plain('counter', 'log_lines', 'Lines taken from the sync log', ({ view }) => view.rolling?.linesTaken),
  plain(
    'counter',
    'bad_log_lines',
    'Lines of the sync log that are none',
    ({ view }) => view.rolling?.badLines,
  ),
  plain('gauge', 'last_success_timestamp_seconds', 'When something was last replicated', ({ view }) => {
    const last = view.rolling?.lastSuccess;
    return last === null || last === undefined ? undefined : last / 1_000;
  }),
  plain(
    'gauge',
    'quarantined_users',
    'Users who have failed again and again',
    ({ view }) => view.rolling?.quarantined.length,
  ),
  labelled(
    'counter',
    'verified_users',
    'result',
    'Users who were compared, by what they were found to be',
    ({ facts }) => Object.entries(facts.verdicts),
  ),
  labelled(
    'counter',
    'differences',
    'kind',
    'Differences that comparisons have found',
    ({ facts }) => facts.differences,
  ),
  plain(
    'gauge',
    'oldest_verification_seconds',
    'Age of the oldest comparison of anybody, at most, once everybody was compared',
    ({ facts, nowMs }) => {
      const age = facts.oldestComparisonMs(nowMs);
      return age === undefined ? undefined : age / 1_000;
    },
  ),
];

/** It was told some time ago, and has grown since. */
function oldestSeconds({ rolling }: RunView): number | undefined {
  if (!rolling?.backlog) return undefined;
  const { oldestSeconds, agoMs } = rolling.backlog;
  return oldestSeconds === null ? 0 : oldestSeconds + agoMs / 1_000;
}
