import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type Pair, startPair } from '../../lab/cyrus-server.ts';
import { append, populate } from '../../lab/populate.ts';
import { until } from '../../lab/until.ts';
import { Control } from './control.ts';
import { said, Terminal } from './terminal.ts';

/** So slowly that a test sees it, and ends it by itself. */
const SLOWLY = ['-A', '--workers', '2', '--bwlimit', '1500'];

/** Until it is stopped. */
const HELD = ['-A', '--pause-file', '/dev/null'];

const MOST_ATTEMPTS = 5;

let pair: Pair;
let sockets = 0;

before(async () => {
  pair = await startPair();
  await populate(pair.master, { users: 6 });
});

after(async () => {
  await pair?.stop();
});

function control(): Control {
  sockets += 1;
  return new Control(join(pair.master.directory, `terminal-${sockets}.sock`));
}

const heads = (lines: readonly string[]): number => lines.filter((line) => / \(all to /.test(line)).length;
const isDrawn = (lines: readonly string[]): boolean =>
  heads(lines) === 1 && lines.some((line) => /^ {2}\d {2}\S/.test(line));

test('on 80x24 it is drawn over itself, through resizes, and leaves its last state and a clean line', async () => {
  await using terminal = await Terminal.open(pair.master, 80, 24);
  const run = control();
  await terminal.run([...SLOWLY, '--control', run.path]);
  const lines = await terminal.until('the display', isDrawn);
  assert.match(lines[1] ?? '', /^\d+ of \d+\+? users done/);
  assert.match(lines[2] ?? '', /messages, .* now .*\/s, average /);
  assert.ok(lines.length < 24);
  for (const [columns, rows] of [
    [40, 24],
    [100, 10],
    [80, 24],
  ] as const) {
    await terminal.resize(columns, rows);
    // The terminal breaks lines anew at once, and it is drawn anew a moment later.
    const fits = (all: readonly string[]): boolean =>
      isDrawn(all) && all.every(({ length }) => length < columns);
    await terminal.until(`one display on ${columns}x${rows}`, fits);
  }
  await run.ask('bwlimit=off');
  const { code, lines: left } = await terminal.ended();
  assert.equal(code, 0);
  assert.equal(heads(left), 1, left.join('\n'));
  assert.match(left.join('\n'), /(\d+) of \1 users done \(100%\)/);
  assert.match(left.join('\n'), /\ncode=0\nready>$/);
});

test('on 40 columns everything is within them, and log lines stand whole above the display', async () => {
  await using terminal = await Terminal.open(pair.master, 40, 24);
  const run = control();
  await terminal.run([...HELD, '--progress', '--log-to-stderr', '--control', run.path]);
  await run.until('held', ({ standing }) => standing.word === 'throttled');
  await run.ask('workers=3');
  await run.ask('pause noon');
  const lines = await terminal.until('paused', (all) => /throttled: .*noon/.test(all.join(' ')));
  assert.ok(lines.every((line) => line.length <= 40));
  const text = lines.join('\n');
  assert.match(text, /sync_client: steered: workers=<3>\nsync_client: steered: paused: pause file/);
  assert.ok(text.lastIndexOf('steered: ') < text.indexOf('throttled: '), text);
  await run.ask('stop');
  await terminal.ended();
});

test('the first Ctrl-C ends it in good order, the second at once; both leave a clean line', async () => {
  await using terminal = await Terminal.open(pair.master, 80, 24);
  await terminal.run(HELD);
  await terminal.until('held', (all) => all.some((line) => /^throttled: pause file/.test(line)));
  await terminal.type('C-c');
  assert.equal((await terminal.ended()).code, 75);

  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/large');
  await using client = await pair.master.imap('large');
  await append(client, 'INBOX', 30, 'a lot', 'large');
  let code: number;
  let attempts = 0;
  do {
    attempts += 1;
    await terminal.run(['-u', 'large', '--bwlimit', '1000']);
    await terminal.until('at work', (all) => all.some((line) => /^ {2}1 {2}large/.test(line)));
    await terminal.type('C-c');
    await terminal.until('stopping', (all) => all.some((line) => /^stopping /.test(line)));
    await terminal.type('C-c');
    // The shell forgets what was to come behind a command that ended like this.
    await terminal.until('a prompt on a line of its own', (all) => all.at(-1) === 'ready>');
    await terminal.type('echo "code=$?"', 'Enter');
    ({ code } = await terminal.ended());
    // On a busy machine the run may be over by itself before it is seen to be stopping.
  } while (code === 75 && attempts < MOST_ATTEMPTS);
  assert.equal(code, 130);
});

test('suspended and continued it is drawn anew below what others have written', async () => {
  await using terminal = await Terminal.open(pair.master, 80, 24);
  const run = control();
  await terminal.run([...HELD, '--control', run.path]);
  await terminal.until('the display', (all) => heads(all) === 1);
  await terminal.type('C-z');
  await terminal.until(
    'a prompt',
    (all) => all.at(-1) === 'ready>' && all.some((line) => /Stopped/.test(line)),
  );
  await terminal.type('echo meanwhile', 'Enter');
  await terminal.until('the echo', (all) => all.includes('meanwhile'));
  await terminal.type('fg', 'Enter');
  const lines = await terminal.until('the display again', (all) =>
    / \(all to /.test(all.slice(all.indexOf('meanwhile')).join()),
  );
  assert.ok(lines.includes('meanwhile'));
  await run.ask('stop');
  await terminal.until('a prompt', (all) => all.at(-1) === 'ready>');
});

test('piped, or on a terminal that is none, there are lines, and not one octet that moves a cursor', async () => {
  await using terminal = await Terminal.open(pair.master, 80, 24);
  const piped = join(pair.master.directory, 'piped');
  const run = control();
  const held = [...HELD, '--progress', '--stats', '1s', '--control', run.path];
  await terminal.run(held, '', `2>${piped}`);
  await until('a line', () => /users.*throttled: pause file/.test(said(piped)));
  await run.ask('stop');
  await terminal.ended();
  assert.ok(!said(piped).includes('\u001b'), said(piped));
  for (const before of ['TERM=', 'env -u TERM', 'TERM=dumb']) {
    const other = control();
    await terminal.run([...HELD, '--control', other.path], before);
    await other.until('held', ({ standing }) => standing.word === 'throttled');
    await other.ask('stop');
    const { lines } = await terminal.ended();
    assert.match(lines.join('\n'), /^\d+\/\d+\+? users[^\n]*/);
    assert.equal(heads(lines), 0);
  }
});
