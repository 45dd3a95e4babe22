import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import test from 'node:test';
import type { SyncEvent } from '../../../src/report/events.ts';
import { Streams } from '../../../src/report/sinks/streams.ts';
import { verboseSink } from '../../../src/report/sinks/verbose-sink.ts';
import type { ErrorData } from '../../../src/report/sync-error.ts';

class Memory extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

function said(verbose: number, events: readonly SyncEvent[]): { stdout: string; stderr: string } {
  const stdout = new Memory();
  const stderr = new Memory();
  const streams = new Streams({ stdout, stderr });
  const sink = verboseSink(streams, verbose, () => 1_700_000_000);
  for (const event of events) sink(event);
  streams.flush();
  return { stdout: stdout.text, stderr: stderr.text };
}

const refused: ErrorData = {
  code: 'IMAP_MAILBOX_NOTSUPPORTED',
  family: 'refused',
  message: 'Operation is not supported on mailbox',
  retryable: false,
};

const start = (mode: 'all' | 'users' | 'mailboxes' | 'meta'): SyncEvent => ({
  kind: 'run:start',
  server: 'replica',
  mode,
  connections: 1,
});

const everyCommand: SyncEvent[] = [
  {
    kind: 'connection:open',
    connection: '0.1',
    server: 'replica',
    flavour: 'csync',
    mechanism: 'PLAIN',
    tls: false,
    compression: true,
    sieveMailbox: true,
  },
  { kind: 'user:start', user: 'alice', work: 'user' },
  { kind: 'user:start', user: 'alice', work: 'meta' },
  { kind: 'user:start', user: '', work: 'mailboxes' },
  { kind: 'user:absent', user: 'nobody' },
  { kind: 'command:mailboxes', names: ['user.a', 'user.b'] },
  { kind: 'command:mailboxes', names: [] },
  { kind: 'command:mailbox', name: 'user.alice', local: false },
  { kind: 'command:mailbox', name: 'user.alice', local: true },
  { kind: 'command:fullmailbox', name: 'user.alice' },
  { kind: 'command:rename', oldName: 'user.a.x', newName: 'user.a.y', partition: 'default', local: false },
  { kind: 'command:rename', oldName: 'user.a.x', newName: 'user.a.y', partition: 'default', local: true },
  { kind: 'command:unmailbox', name: 'user.a.x', local: false },
  { kind: 'command:unmailbox', name: 'user.a.x', local: true },
  { kind: 'command:quota', root: 'user.alice' },
  { kind: 'command:unquota', root: 'user.alice' },
  { kind: 'command:sub', user: 'alice', name: 'user.alice.x' },
  { kind: 'command:unsub', user: 'alice', name: 'user.alice.x' },
  { kind: 'command:seen', user: 'alice', uniqueid: '0123456789abcdef' },
  { kind: 'command:sieve', user: 'alice', filename: 'rules.script' },
  { kind: 'command:unsieve', user: 'alice', filename: 'rules.script' },
  { kind: 'command:activate-sieve', user: 'alice', filename: 'rules.bc' },
  { kind: 'command:unactivate-sieve', user: 'alice' },
  { kind: 'command:annotation', name: 'user.alice', entry: '/comment', user: '' },
  { kind: 'command:unannotation', name: '', entry: '/motd', user: 'alice' },
];

test('-v says word for word what the C client says', () => {
  const { stdout, stderr } = said(1, everyCommand);
  assert.deepEqual(stdout.split('\n'), [
    'ENABLE 0x800',
    'USER alice',
    'META alice',
    'Does not exist locally nobody',
    'MAILBOXES user.a user.b',
    'MAILBOXES',
    'MAILBOX user.alice',
    'LOCAL_MAILBOX user.alice',
    'FULLMAILBOX user.alice',
    'RENAME user.a.x -> user.a.y (default)',
    'LOCAL_RENAME user.a.x -> user.a.y (default)',
    'UNMAILBOX user.a.x',
    'LOCAL_UNMAILBOX user.a.x',
    'QUOTA user.alice',
    'UNQUOTA user.alice',
    'SUB alice user.alice.x',
    'UNSUB alice user.alice.x',
    'SEEN alice 0123456789abcdef',
    'SIEVE alice rules.script',
    'UNSIEVE alice rules.script',
    'ACTIVATE_SIEVE alice rules.bc',
    'UNACTIVATE_SIEVE alice',
    'ANNOTATION user.alice /comment ',
    'UNANNOTATION  /motd alice',
    '',
  ]);
  assert.equal(stderr, '');
});

test('without -v a run says nothing', () => {
  const failed: SyncEvent = { kind: 'user:failed', user: 'alice', work: 'user', error: refused };
  assert.deepEqual(said(0, [...everyCommand, failed]), { stdout: '', stderr: '' });
});

test('connection trouble is told with and without -v', () => {
  const events: SyncEvent[] = [
    { kind: 'connection:failed', server: 'replica', error: refused, retryInSeconds: 15 },
    { kind: 'connection:failed', server: 'replica', error: refused, retryInSeconds: undefined },
    {
      kind: 'connection:failed',
      server: 'replica',
      error: { ...refused, code: 'COMPRESSION_UNAVAILABLE' },
      retryInSeconds: undefined,
    },
  ];
  const lines =
    `Can not connect to server 'replica', retrying in 15 seconds: ${refused.message}\n` +
    "Can not connect to server 'replica'\n" +
    "Failed to enable compression to server 'replica'\n";
  assert.equal(said(0, events).stderr, lines);
  assert.equal(said(1, events).stderr, lines);
});

test('failures are named by the mode, as the C client names them', () => {
  const failed: SyncEvent = { kind: 'user:failed', user: 'alice', work: 'user', error: refused };
  const shared: SyncEvent = {
    kind: 'user:failed',
    user: '',
    work: 'mailboxes',
    error: { ...refused, mailbox: 'shared.x' },
  };
  assert.equal(said(1, [start('users'), failed]).stderr, 'Error from sync_do_user(alice): bailing out!\n');
  assert.equal(said(1, [start('all'), failed]).stderr, 'Error from do_user(alice): bailing out!\n');
  assert.equal(said(1, [start('all'), shared]).stderr, 'Error from do_user(shared.x): bailing out!\n');
  assert.equal(said(1, [start('meta'), failed]).stderr, 'Error from sync_do_meta(alice): bailing out!\n');
  assert.equal(
    said(1, [start('mailboxes'), shared]).stderr,
    'Error from sync_do_mailboxes(): bailing out!\n',
  );
});

test('a locked user is skipped aloud', () => {
  const locked: SyncEvent = { kind: 'user:locked', user: 'alice' };
  const mailboxes: SyncEvent = { kind: 'user:locked', user: '', mailboxes: ['a', 'b'] };
  assert.equal(said(1, [start('all'), locked]).stderr, 'Skipping locked user alice\n');
  assert.equal(
    said(1, [start('all'), mailboxes]).stderr,
    'Skipping locked mailbox a\nSkipping locked mailbox b\n',
  );
  assert.equal(
    said(1, [start('users'), locked]).stderr,
    'Skipping locked user alice\nError from sync_do_user(alice): bailing out!\n',
  );
});

test('names are octets and leave as they are', () => {
  const name = Buffer.from('user.müller', 'utf8').toString('latin1');
  assert.equal(said(1, [{ kind: 'command:mailbox', name, local: false }]).stdout, 'MAILBOX user.müller\n');
});

test('-v -v marks the protocol with direction and time', () => {
  const events: SyncEvent[] = [
    { kind: 'traffic', direction: 'sent', text: Buffer.from('GET USER alice\r\n') },
    { kind: 'traffic', direction: 'received', text: Buffer.from('OK success\r\n') },
  ];
  assert.equal(said(2, events).stderr, '>1700000000>GET USER alice\r\n<1700000000<OK success\r\n');
  assert.equal(said(1, events).stderr, '');
});

test('a run that says nothing asks for no stream', async () => {
  const asked: string[] = [];
  const memory = new Memory();
  const streams = new Streams({
    get stdout() {
      asked.push('stdout');
      return memory;
    },
    get stderr() {
      asked.push('stderr');
      return memory;
    },
  });
  streams.flush();
  await streams.drained();
  assert.deepEqual(asked, []);
  streams.line('USER anna');
  await streams.drained();
  assert.deepEqual(asked, ['stdout']);
  assert.equal(memory.text, 'USER anna\n');
});

test('a reader of stdout that goes away ends the lines, not the run', async () => {
  const gone = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    },
  });
  const stderr = new Memory();
  const streams = new Streams({ stdout: gone, stderr });
  const sink = verboseSink(streams, 1, () => 0);
  const event: SyncEvent = { kind: 'command:mailbox', name: 'user.alice', local: false };
  sink(event);
  await streams.drained();
  sink(event);
  await streams.drained();
  streams.errorLine('still here');
  assert.equal(stderr.text, 'still here\n');
});

test("what is nobody's fault names nobody", () => {
  const error = {
    ...refused,
    code: 'LINK_BROKEN',
    mailbox: 'user.anna.Work',
    hint: 'look at its log',
  } as const;
  const events: SyncEvent[] = [
    { kind: 'replica:ill', server: 'replica', error, retryInSeconds: 5 },
    { kind: 'replica:ill', server: 'replica', error, retryInSeconds: undefined },
    { kind: 'host:out-of-files', limit: 400, error, retryInSeconds: 1 },
    { kind: 'host:out-of-files', limit: undefined, error, retryInSeconds: 2 },
  ];
  const reason = `${refused.message} (look at its log)`;
  assert.equal(
    said(0, events).stderr,
    `Server 'replica' loses every connection, next try in 5 seconds: ${reason}\n` +
      `Server 'replica' loses every connection, giving up: ${reason}\n` +
      `No more open files (limit of this process: 400), going on with fewer users at once in 1 seconds: ${reason}\n` +
      `No more open files, going on with fewer users at once in 2 seconds: ${reason}\n`,
  );
});
