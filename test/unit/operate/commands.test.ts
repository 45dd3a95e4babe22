import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, lstatSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test from 'node:test';
import type { Controlled } from '../../../src/operate/control/control-answer.ts';
import { openControlSocket } from '../../../src/operate/control/open-control-socket.ts';
import { Bandwidth } from '../../../src/operate/throttle/bandwidth.ts';
import { ENTRY, startCommand } from '../../lab/start-command.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';
import { FakeSteering } from './fake-steering.ts';
import { leaveDeadSocket } from './leave-dead-socket.ts';
import { begun, found, opened, told } from './run-events.ts';

const COMMAND = join(dirname(ENTRY), 'cyrus-sync.cjs');

/** A directory of control sockets, and the commands that speak to them. */
class HostScene {
  readonly directory = mkdtempSync(join(tmpdir(), 'ctl-'));
  readonly steering = new FakeSteering();

  path(name: string): string {
    return join(this.directory, `${encodeURIComponent(name)}.sock`);
  }

  leave(name: string, atMs?: number): Promise<void> {
    return leaveDeadSocket(this.path(name), atMs);
  }

  /** A run of which nothing can be told yet, or any more. */
  openBetween(name: string): Promise<AsyncDisposable> {
    return openControlSocket(this.path(name), () => undefined);
  }

  /** Answers whatever is asked with a text of its own, or drops the connection. */
  async answerWith(name: string, text: string): Promise<Server> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket
        .on('error', () => {})
        .on('end', () => socket.end(text))
        .resume();
      if (text === '') socket.destroy();
    });
    server.listen(this.path(name));
    await once(server, 'listening');
    return server;
  }

  open(name: string): Promise<AsyncDisposable> {
    const state = told([opened(), found(9, 90), begun('anna')]);
    const run: Controlled = {
      view: () => state.view(9_000),
      users: (list, most) => (list === 'slow' ? state.slow(most, 9_000) : state.users(list, most, 9_000)),
      heldUp: (most) => state.heldUp(most, 9_000),
      spellMailbox: state.spellMailbox,
      steering: this.steering,
      bandwidth: new Bandwidth(this.steering, new VirtualClock(), [{ minute: 0, rate: 'off' }]),
    };
    return openControlSocket(this.path(name), () => run);
  }

  async run(...args: string[]): Promise<{ code: number | string; stdout: string; stderr: string }> {
    const command = startCommand([process.execPath, COMMAND, ...args], {
      CYRUS_SYNC_RUN_DIRECTORY: this.directory,
    });
    const code = await command.end;
    return { code, stdout: command.stdout(), stderr: command.stderr() };
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test('status tells of every run of the host, the living and the dead, and of one with who is at work', async () => {
  using scene = new HostScene();
  assert.deepEqual(await scene.run('status'), {
    ...{ code: 0, stdout: 'no run is under way that can be asked\n', stderr: '' },
  });
  await using _first = await scene.open('offsite/2');
  await using _second = await scene.open('rolling');
  const all = await scene.run('status');
  assert.equal(all.code, 0);
  assert.match(all.stdout, /^offsite\/2: copying \(.*\n {4}0 of 9 users done.*\n.*\nrolling: copying /);
  assert.match(
    (await scene.run('status', 'offsite/2')).stdout,
    /^copying .*\n[\s\S]*\n {2}1 {2}anna \(6s\)\n$/,
  );
  const json = JSON.parse((await scene.run('status', '--json')).stdout);
  assert.deepEqual(
    json.map((each: { name: string; status: { users: { found: number } } }) => [
      each.name,
      each.status.users.found,
    ]),
    [
      ['offsite/2', 9],
      ['rolling', 9],
    ],
  );
  writeFileSync(join(scene.directory, 'dead.sock'), '');
  const withDead = await scene.run('status');
  assert.equal(withDead.code, 1);
  assert.match(withDead.stdout, /^dead: .*dead\.sock: /);
});

test('ctl speaks to the one run that there is, to one by its name or path, and its exit code tells', async () => {
  using scene = new HostScene();
  const none = await scene.run('ctl', 'status');
  assert.equal(none.code, 64);
  assert.match(none.stderr, /expected a NAME before the verb.*found none/);
  await using _only = await scene.open('offsite');
  assert.match((await scene.run('ctl', 'workers=4')).stdout, /^workers=4/);
  assert.equal((await scene.run('ctl', 'offsite', 'now', 'anna')).stdout, 'now anna: ok\n');
  assert.match((await scene.run('ctl', join(scene.directory, 'offsite.sock'), 'pause')).stdout, /^paused: /);
  assert.equal(
    (await scene.run('ctl', '--json', 'skip', 'ünal')).stdout,
    '{"ok":true,"answer":{"user":"ünal","steered":"done"}}\n',
  );
  assert.deepEqual(scene.steering.orders.at(-1), ['skip', Buffer.from('ünal').toString('latin1')]);
  const refused = await scene.run('ctl', 'bwlimit=fast');
  assert.deepEqual([refused.code, refused.stdout.split(' ')[0]], [1, 'error:']);
  const unknown = await scene.run('ctl', 'elsewhere', 'status');
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /elsewhere\.sock: no run has that name/);
  const file = join(scene.directory, 'no-socket');
  writeFileSync(file, '');
  assert.match((await scene.run('ctl', file, 'status')).stderr, /no-socket: expected the socket of a run/);
  for (const args of [
    ['ctl', '', 'status'],
    ['status', ''],
  ]) {
    const nobody = await scene.run(...args);
    assert.deepEqual([nobody.code, nobody.stdout], [64, '']);
    assert.match(nobody.stderr, /^cyrus-sync: expected the name of a run, found ""/);
  }
  await using _second = await scene.open('other');
  assert.match(
    (await scene.run('ctl', 'status')).stderr,
    /expected a NAME before the verb.*found offsite, other/,
  );
});

test('a run that was killed is told of by nobody, and its socket is cleared away; a channel that was killed is told of', async () => {
  using scene = new HostScene();
  await scene.leave('run-17');
  await using _only = await scene.open('run-18');
  assert.match((await scene.run('ctl', 'workers=4')).stdout, /^workers=4/);
  assert.ok(!existsSync(scene.path('run-17')));
  await scene.leave('run-17');
  const status = await scene.run('status');
  assert.deepEqual([status.code, status.stdout.split(':')[0]], [0, 'run-18']);
  assert.ok(!existsSync(scene.path('run-17')));
  await scene.leave('run-17');
  assert.match(
    (await scene.run('status', 'run-17')).stdout,
    /run-17\.sock: the run that had this name has died/,
  );
  const watched = await scene.run('status', '--nagios');
  assert.equal(watched.code, 0);
  assert.match(watched.stdout, /^CYRUS-SYNC OK - run-18: /);
  assert.ok(!existsSync(scene.path('run-17')));
  await scene.leave('offsite');
  const withDead = await scene.run('status');
  assert.equal(withDead.code, 1);
  assert.match(withDead.stdout, /^offsite: .*the run that had this name has died\nrun-18: /);
  const critical = await scene.run('status', '--nagios');
  assert.equal(critical.code, 2);
  assert.match(critical.stdout, /^CYRUS-SYNC CRITICAL - offsite: does not answer; run-18: /);
  assert.match((await scene.run('ctl', 'status')).stderr, /found offsite, run-18$/m);
  assert.ok(existsSync(scene.path('offsite')));
});

test('nothing is cleared away but an old socket of a killed run itself', async () => {
  using scene = new HostScene();
  // Between its bind and its listen a run that is just beginning looks like this.
  await scene.leave('run-1', Date.now());
  await scene.leave('offsite');
  symlinkSync(scene.path('offsite'), scene.path('run-2'));
  writeFileSync(scene.path('run-3'), '');
  utimesSync(scene.path('run-3'), 0, 0);
  await scene.leave('run-4x');
  const { code, stdout } = await scene.run('status');
  assert.equal(code, 1);
  assert.deepEqual(
    stdout.split('\n').map((line) => line.split(':')[0]),
    ['offsite', 'run-2', 'run-3', 'run-4x', ''],
  );
  for (const name of ['run-1', 'offsite', 'run-2', 'run-3', 'run-4x']) lstatSync(scene.path(name));
});

test('a run that is beginning or ending is told of as such, and spoils nothing that is told of others', async () => {
  using scene = new HostScene();
  await using _between = await scene.openBetween('run-17');
  await using _run = await scene.open('offsite');
  const json = await scene.run('status', '--json');
  assert.deepEqual(
    JSON.parse(json.stdout).map(({ name, status, error }: Record<string, never>) => [
      name,
      status === undefined,
      error,
    ]),
    [
      ['offsite', false, undefined],
      ['run-17', true, 'the run is just beginning or ending, ask again'],
    ],
  );
  assert.deepEqual([json.code, json.stderr], [0, '']);
  const text = await scene.run('status');
  assert.equal(text.code, 0);
  assert.match(text.stdout, /^run-17: the run is just beginning or ending, ask again$/m);
  const watched = await scene.run('status', '--nagios');
  assert.equal(watched.code, 0);
  assert.match(watched.stdout, /^CYRUS-SYNC OK - offsite: .*; run-17: beginning or ending \|/);
  const told = await scene.run('ctl', '--json', 'run-17', 'stop');
  assert.deepEqual(
    [told.code, told.stdout],
    [1, '{"ok":false,"error":"the run is just beginning or ending, ask again"}\n'],
  );
});

test('an answer that is none is the error of the one run that gave it', async (context) => {
  using scene = new HostScene();
  await using _run = await scene.open('offsite');
  for (const [answer, error] of [
    ['', /one\.sock: the connection was closed before all was answered/],
    ['{"ok":true,"answ', /closed before all was answered/],
    ['copying\n', /^expected an answer in JSON, found "copying"$/],
    ['null\n', /^expected an answer in JSON, found "null"$/],
    ['{"ok":false,"error":"out of sorts"}\n', /^out of sorts$/],
    // Earlier versions said it so, whatever was asked for.
    ['error: out of sorts\n', /^out of sorts$/],
  ] as const) {
    const server = await scene.answerWith('one', answer);
    context.after(() => server.close());
    const { code, stdout, stderr } = await scene.run('status', '--json');
    assert.deepEqual([code, stderr], [1, ''], answer);
    const [first, second] = JSON.parse(stdout);
    assert.equal(first.status.users.found, 9);
    assert.match(second.error, error);
    if (answer === '') assert.equal((await scene.run('ctl', 'one', 'stop')).code, 1);
    await new Promise((resolve) => server.close(resolve));
  }
});

test('status stays on the screen and tells of runs as they come and go, until it is stopped', async () => {
  using scene = new HostScene();
  const command = startCommand([process.execPath, COMMAND, 'status', '--watch'], {
    CYRUS_SYNC_RUN_DIRECTORY: scene.directory,
  });
  await command.until(() => command.stdout().includes('no run is under way'));
  {
    await using _run = await scene.open('offsite');
    await command.until(() => command.stdout().includes('offsite: copying '));
  }
  const before = command.stdout().length;
  await command.until(() => command.stdout().slice(before).includes('no run is under way'));
  command.child.kill('SIGTERM');
  assert.equal(await command.end, 0, command.stderr());
});
