/** A fault that is provoked by tests which end with a comparison of both sides: a row of the table in docs/reliability.md. */
export interface Fault {
  fault: string;
  how: string;
  /** Below dist/test. */
  files: readonly string[];
  /** Among the tests of those files; undefined: all of them. */
  tests?: string;
}

/** In the order of the table. */
export const FAULTS: readonly Fault[] = [
  {
    fault: 'a call of the client fails',
    how: 'its N-th open, read, write, flush, lock or rename, with EIO, ENOSPC, EMFILE, ENOENT, EINTR, or half done',
    files: ['cyrus/faults/failing-calls.test.js'],
    tests: 'of the client|after all of that',
  },
  {
    fault: "a call of the replica's server fails",
    how: 'the same',
    files: ['cyrus/faults/failing-calls.test.js'],
    tests: 'of the replica|after all of that',
  },
  {
    fault: 'the replica loses its power after it has said OK to a first copy and to changes',
    how: 'its processes killed, and what was not flushed taken from its files',
    files: ['cyrus/faults/power-cut.test.js'],
  },
  {
    fault: 'the client is killed',
    how: 'before each command of a merge and of a swap of folders, to the replica and to the master',
    files: ['cyrus/merge/killed.test.js'],
  },
  {
    fault: 'the replica falls silent',
    how: 'at each command of a first copy and of a merge, while people use every mailbox',
    files: ['cyrus/locks/silent-replica.test.js'],
  },
  {
    fault: 'one of two connections is lost, or both',
    how: 'the client killed, one cut, the replica silent: at each command of a first copy whose folders, or steps of one mailbox, go over both',
    files: ['cyrus/faults/two-connections.test.js'],
  },
  {
    fault: 'the client is killed at any moment, the link cut, the replica restarted',
    how: 'in rolling mode, under a stream of changes',
    files: ['steady-stream', 'stream-and-kills', 'stream-and-cuts'].map(
      (name) => `cyrus/rolling/${name}.test.js`,
    ),
  },
  {
    fault: 'others hold locks',
    how: 'cyr_expire, reconstruct, quota, squatter, ctl_conversationsdb, deliveries, sessions beside whole runs, merges, rolling mode',
    files: ['cyrus/locks/storm-of-tools.test.js', 'cyrus/locks/storm-of-one-user.test.js'],
  },
  {
    fault: 'the replica is hostile',
    how: 'banners, logins, starts of TLS and answers that no server gives; forged answers in merges',
    files: ['unit/protocol/hostile/hostile-replica.test.js', 'unit/replicate/forged-answers.test.js'],
  },
  {
    fault: 'a message or a file beside the mail is damaged',
    how: 'octets changed, files missing, of another kind, disks not there',
    files: ['cyrus/run/damaged-messages.test.js', 'cyrus/run/damaged-side-data.test.js'],
  },
];
