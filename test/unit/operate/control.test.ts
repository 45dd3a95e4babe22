import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import net, { connect, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import fc from 'fast-check';
import { askControlSocket } from '../../../src/operate/control/ask-control-socket.ts';
import { type Controlled, controlAnswer } from '../../../src/operate/control/control-answer.ts';
import { CONTROL_HELP, parseControlRequest } from '../../../src/operate/control/control-request.ts';
import { openControlSocket } from '../../../src/operate/control/open-control-socket.ts';
import type { UserView } from '../../../src/operate/state/run-view.ts';
import { Bandwidth } from '../../../src/operate/throttle/bandwidth.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { VirtualClock } from '../../lab/virtual-clock.ts';
import { FakeSteering } from './fake-steering.ts';
import { leaveDeadSocket } from './leave-dead-socket.ts';
import { begun, ended, found, opened, progressed, settled, told } from './run-events.ts';

class ControlScene {
  readonly directory = mkdtempSync(join(tmpdir(), 'control-'));
  readonly path = join(this.directory, 'run.sock');
  readonly steering = new FakeSteering();
  readonly state = told([
    ...[opened(), found(9, 90), begun('anna'), progressed('anna', 5, 5_000_000), begun('bert')],
    ...[ended('bert', 'failed'), settled('bert', 'failed')],
  ]);
  readonly run: Controlled = {
    view: () => this.state.view(9_000),
    users: (list, most) =>
      list === 'slow' ? this.state.slow(most, 9_000) : this.state.users(list, most, 9_000),
    heldUp: (most) => this.state.heldUp(most, 9_000),
    spellMailbox: this.state.spellMailbox,
    steering: this.steering,
    bandwidth: new Bandwidth(this.steering, new VirtualClock(), [{ minute: 0, rate: 'off' }]),
  };

  ask(line: string): string {
    return controlAnswer(parseControlRequest(line), this.run);
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

test('what is asked is answered in text, or in one line of JSON', () => {
  using scene = new ControlScene();
  assert.match(
    scene.ask('status'),
    /^copying \(run to replica, 9s\)\n1 of 9 users done \(\d+%\), 1 failed, 1 at work/,
  );
  const status = JSON.parse(scene.ask('json status'));
  assert.deepEqual(
    [status.ok, status.answer.standing.word, status.answer.users.failed],
    [true, 'copying', 1],
  );
  assert.match(scene.ask('users'), /^anna {2}copying {2}6s {2}5 messages, 5\.0 MB$/);
  assert.match(scene.ask('users failed'), /^bert {2}failed: IO: disk full/);
  assert.equal(scene.ask('users waiting'), 'zoe\nyan');
  scene.state.hear(ended('yan', 'locked'), 9_000);
  assert.equal(scene.ask('users waiting'), 'zoe\nyan  waiting-for-lock');
  assert.deepEqual(
    JSON.parse(scene.ask('json users waiting')).answer.map(({ standing }: UserView) => standing.word),
    ['waiting', 'waiting-for-lock'],
  );
  assert.equal(scene.ask('?').split('\n').length, CONTROL_HELP.length);
  assert.match(scene.ask('backlog'), /^error: expected a channel in rolling mode/);
});

test('what is ordered is done and said', () => {
  using scene = new ControlScene();
  assert.equal(scene.ask('workers=4'), 'workers=4, 3 connected');
  assert.equal(scene.ask('workers = auto'), 'workers=auto, 3 connected');
  assert.equal(scene.ask('bwlimit=10M'), 'bwlimit=10M, now 10.0 MB/s');
  assert.match(scene.ask('bwlimit=08:00,2M 19:00,off'), /^bwlimit=08:00,2M 19:00,off, now /);
  assert.equal(scene.ask('bwlimit=off'), 'bwlimit=off, now off');
  assert.equal(scene.ask('pause the backup runs'), 'paused: paused by hand: the backup runs');
  assert.equal(scene.ask('resume'), 'not paused');
  assert.equal(scene.ask('now anna b'), 'now anna b: ok');
  scene.steering.answer = 'unknown';
  assert.match(scene.ask('skip nobody'), /^error: skip nobody: no such user/);
  assert.match(scene.ask('json retry nobody'), /^\{"ok":false,"error":"retry nobody: no such user/);
  scene.steering.answer = 'failed';
  assert.match(
    scene.ask('retry anna'),
    /^error: retry anna: has failed for good, and this run begins nothing/,
  );
  assert.equal(scene.ask('json stop'), '{"ok":true,"answer":"stopping"}');
  assert.deepEqual(scene.steering.orders.at(-1), ['stop']);
});

test('a nonsense line is answered with what was expected, and changes nothing', () => {
  using scene = new ControlScene();
  for (const line of [
    ...[
      'fly',
      'workers=0',
      'workers=65',
      'workers=4x',
      'workers 4',
      'bwlimit=fast',
      'bwlimit=08:00,x',
      'now',
    ],
    ...['status now', 'users dead', 'json', 'stop it', '\u0000', 'workers=-1'],
  ]) {
    assert.match(scene.ask(line), /^(error: expected|\{"ok":false,"error":"expected)/, line);
  }
  assert.deepEqual(scene.steering.orders, []);
});

test('a name may begin or end with an octet that is a blank in no encoding but one of ours', () => {
  using scene = new ControlScene();
  // UTF-8 has A0 at the end of à, and NO-BREAK SPACE is C2 A0.
  for (const user of ['andre\u00c3\u00a0', '\u00a0x', 'x\u00c2\u00a0']) {
    scene.ask(` now  ${user} \r`);
    assert.deepEqual(scene.steering.orders.at(-1), ['now', user]);
  }
  assert.equal(scene.ask('pause voil\u00c3\u00a0'), 'paused: paused by hand: voilà');
});

test('no line, whatever is in it, makes the answer throw or steer the terminal of whoever asks', () => {
  using scene = new ControlScene();
  const words = fc.constantFrom(
    'json',
    'status',
    'users',
    'now',
    'skip',
    'pause',
    'bwlimit=',
    'workers=',
    '=',
    '?',
  );
  const octets = fc
    .string({ unit: 'binary', maxLength: 40 })
    .map((text) => Buffer.from(text).toString('latin1'));
  fc.assert(
    fc.property(fc.array(fc.oneof(words, octets), { maxLength: 5 }), (parts) => {
      const answer = scene.ask(parts.join(' ').replaceAll('\n', ''));
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
      assert.ok(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/.test(answer), JSON.stringify(answer));
    }),
  );
});

test("the socket is its owner's alone, answers as long as the run lasts, and leaves nothing behind", async () => {
  using scene = new ControlScene();
  {
    await using _socket = await openControlSocket(scene.path, () => scene.run);
    assert.equal(statSync(scene.path).mode & 0o777, 0o600);
    assert.match(await askControlSocket(scene.path, 'status'), /^copying/);
    assert.match(await askControlSocket(scene.path, 'workers=2\nstatus'), /^workers=2.*\ncopying/);
  }
  assert.ok(!existsSync(scene.path));
  await assert.rejects(askControlSocket(scene.path, 'status'), {
    code: 'CONNECT_FAILED',
    message: /no run has that name/,
  });
});

test('a socket that nobody answers at is replaced; a living one, another file and a place without rights are refused', async () => {
  using scene = new ControlScene();
  const refused = (message: RegExp) => (error: unknown) =>
    error instanceof SyncError &&
    error.code === 'USAGE' &&
    message.test(error.message) &&
    error.hint !== undefined;
  await leaveDeadSocket(scene.path);
  {
    await using _socket = await openControlSocket(scene.path, () => scene.run);
    assert.match(await askControlSocket(scene.path, 'status'), /^copying/);
    await assert.rejects(
      openControlSocket(scene.path, () => undefined),
      refused(/another run answers there/),
    );
    assert.match(await askControlSocket(scene.path, 'status'), /^copying/);
  }
  writeFileSync(scene.path, 'a list');
  await assert.rejects(
    openControlSocket(scene.path, () => undefined),
    refused(/something else than a socket/),
  );
  await assert.rejects(
    openControlSocket(join(scene.directory, 'no/run.sock'), () => undefined),
    refused(/expected a place/),
  );
  await assert.rejects(
    openControlSocket(`/tmp/${'x'.repeat(120)}`, () => undefined),
    refused(/more than 107 octets/),
  );
  chmodSync(scene.directory, 0o700);
});

test('whatever is refused is refused in JSON where that was asked for, also while there is no run to be asked', async () => {
  using scene = new ControlScene();
  let run: Controlled | undefined;
  await using _socket = await openControlSocket(scene.path, () => run);
  const between = 'the run is just beginning or ending, ask again';
  assert.equal(await askControlSocket(scene.path, 'status'), `error: ${between}`);
  assert.equal(await askControlSocket(scene.path, 'json status'), `{"ok":false,"error":"${between}"}`);
  assert.match(await askControlSocket(scene.path, 'json fly'), /^\{"ok":false,"error":"expected one of /);
  run = scene.run;
  assert.match(
    await askControlSocket(scene.path, `json now ${'x'.repeat(5_000)}`),
    /^\{"ok":false,"error":"expected at most 4096 octets on a line"\}$/,
  );
  assert.equal(
    await askControlSocket(scene.path, `now ${'x'.repeat(5_000)}`),
    'error: expected at most 4096 octets on a line',
  );
});

test('who is turned away because too many ask at once is told so, and takes nothing for an answer', async () => {
  using scene = new ControlScene();
  await using _socket = await openControlSocket(scene.path, () => scene.run);
  const idle = Array.from({ length: 32 }, () => connect(scene.path));
  await Promise.all(idle.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
  await assert.rejects(askControlSocket(scene.path, 'json status'), {
    code: 'CONNECT_FAILED',
    message: /the connection was closed before all was answered: too many ask at once/,
  });
  for (const socket of idle) socket.destroy();
});

test('whoever asks without end, or never reads, costs bounded memory and holds nobody else up', async () => {
  using scene = new ControlScene();
  await using _socket = await openControlSocket(scene.path, () => scene.run);
  const endless = connect(scene.path);
  const closed = new Promise((resolve) => endless.on('close', resolve));
  endless.on('error', () => {});
  endless.resume();
  endless.write('x'.repeat(100_000));
  await closed;
  const deaf = connect(scene.path);
  deaf.on('error', () => {});
  deaf.pause();
  deaf.write('json status\n'.repeat(20_000));
  assert.match(await askControlSocket(scene.path, 'status'), /^copying/);
  deaf.destroy();
});

test('a connection that could not be accepted for want of a descriptor ends nothing', async (t) => {
  using scene = new ControlScene();
  const servers: Server[] = [];
  const made = net.createServer;
  t.mock.method(net, 'createServer', (...args: Parameters<typeof made>) => {
    const server = made(...args);
    servers.push(server);
    return server;
  });
  syncBuiltinESMExports();
  t.after(() => {
    t.mock.restoreAll();
    syncBuiltinESMExports();
  });
  await using _socket = await openControlSocket(scene.path, () => scene.run);
  const outOfFiles = Object.assign(new Error('accept EMFILE'), { code: 'EMFILE' });
  for (let times = 0; times < 3; times += 1) {
    for (const server of servers) server.emit('error', outOfFiles);
  }
  assert.equal(servers.length, 1);
  assert.match(await askControlSocket(scene.path, 'status'), /^copying/);
});
