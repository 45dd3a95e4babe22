import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import test, { after, beforeEach } from 'node:test';
import picomatch from 'picomatch';

/*
 * Contract: whatever a unit of the package has started hears of what becomes of the package and of its logs, and nothing of the
 * package is left when it is purged. The scripts are the real ones, below another root, with a systemctl that only notes what it
 * was asked.
 */

const PACKAGING = join(import.meta.dirname, '..', '..', '..', '..', 'packaging');
const PROGRAMS = 'usr/lib/cyrus-sync/src/bundled/programs';
const LINKS = 'etc/systemd/system/multi-user.target.wants';

/** An instance of each unit. */
const units = readdirSync(join(PACKAGING, 'systemd')).map((name) => name.replace('@', '@offsite'));
const services = units.filter((name) => name.endsWith('.service'));

const scratch = mkdtempSync(join(tmpdir(), 'maintainer-scripts-'));
const root = join(scratch, 'root');
const calls = join(scratch, 'calls');
after(() => rmSync(scratch, { recursive: true }));

beforeEach(() => {
  rmSync(root, { recursive: true, force: true });
  rmSync(calls, { force: true });
  // There is no account, which only root could give anything to.
  for (const [name, text] of Object.entries({ systemctl: 'echo "$@" >> "$CALLS"', getent: 'exit 2' })) {
    put(join(scratch, 'bin', name), `#!/bin/sh\n${text}\n`, 0o755);
  }
});

function put(path: string, content = '', mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content, { mode });
}

/** @returns what systemctl was asked, as words */
function run(script: string, ...args: string[]): string[][] {
  const onSystemd = script.replaceAll('/run/systemd/system', scratch);
  const { status, stderr } = spawnSync('sh', ['-c', onSystemd, 'script', ...args], {
    encoding: 'utf8',
    env: { PATH: `${join(scratch, 'bin')}:${process.env.PATH}`, DPKG_ROOT: root, CALLS: calls },
  });
  assert.equal(status, 0, stderr);
  const noted = existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : [];
  return noted.map((line) => line.split(' ')).filter(([verb]) => verb !== 'daemon-reload');
}

const maintainerScript = (name: string): string => readFileSync(join(PACKAGING, 'debian', name), 'utf8');

function among(names: readonly string[], patterns: readonly string[]): string[] {
  return names.filter((name) => picomatch.isMatch(name, patterns as string[]));
}

test('each unit is stopped as the package is removed, and none at an upgrade', () => {
  assert.deepEqual(run(maintainerScript('prerm'), 'upgrade', '2.0'), []);
  const [[verb, ...patterns] = []] = run(maintainerScript('prerm'), 'remove');
  assert.equal(verb, 'stop');
  assert.deepEqual(among(units, patterns), units);
});

test('each service is told when its log was moved away', () => {
  const rotation = readFileSync(join(PACKAGING, 'files', 'cyrus-sync.logrotate'), 'utf8');
  const [, script = ''] = /postrotate\n(.*)endscript/s.exec(rotation) ?? [];
  const [[verb, ...words] = []] = run(script);
  assert.equal(verb, 'kill');
  assert.ok(words.includes('--signal=HUP'));
  assert.deepEqual(among(services, words), services);
});

test('whatever has no end of its own is started again at an upgrade, if it ran', () => {
  assert.deepEqual(run(maintainerScript('postinst'), 'configure', ''), []);
  const [[verb, ...patterns] = []] = run(maintainerScript('postinst'), 'configure', '1.0');
  assert.equal(verb, 'try-restart');
  const endless = services.filter((name) =>
    /^Restart=always$/m.test(readFileSync(join(PACKAGING, 'systemd', name.replace('@offsite', '@')), 'utf8')),
  );
  assert.ok(endless.length > 0);
  assert.deepEqual(among(units, patterns), endless);
});

test('what a unit may write to of its own is made at each start of the host, whenever its account came', () => {
  const made = readFileSync(join(PACKAGING, 'files', 'cyrus-sync.tmpfiles'), 'utf8');
  for (const name of readdirSync(join(PACKAGING, 'systemd'))) {
    const text = readFileSync(join(PACKAGING, 'systemd', name), 'utf8');
    const [paths = ''] = /^ReadWritePaths=.*/m.exec(text) ?? [];
    for (const [path] of paths.matchAll(/\/[\w/]+\/cyrus-sync\b/g)) {
      assert.match(made, new RegExp(`^d ${path} 0750 cyrus mail `, 'm'), name);
    }
  }
});

test('no compiled code outlives the program that it is of, whole or unfinished', () => {
  for (const name of ['sync_client.cjs', 'sync_client.cjs.code', 'sync_client.cjs.code.1234']) {
    put(join(root, PROGRAMS, name));
  }
  run(maintainerScript('prerm'), 'upgrade', '2.0');
  assert.deepEqual(readdirSync(join(root, PROGRAMS)), ['sync_client.cjs']);
});

test('a purge leaves neither logs nor queues nor links to units, and a removal all of them', () => {
  const own = [
    'var/log/cyrus-sync/offsite.log',
    'var/lib/cyrus-sync/queue/data.mdb',
    'run/cyrus-sync/offsite',
  ];
  for (const path of own) put(join(root, path));
  mkdirSync(join(root, LINKS), { recursive: true });
  for (const unit of [...units, 'cyrus-imapd.service']) symlinkSync('/lib/none', join(root, LINKS, unit));
  const there = (): string[] => own.filter((path) => existsSync(join(root, path)));
  run(maintainerScript('postrm'), 'remove');
  assert.deepEqual(there(), own);
  assert.equal(readdirSync(join(root, LINKS)).length, units.length + 1);
  run(maintainerScript('postrm'), 'purge');
  assert.deepEqual(there(), []);
  for (const path of own) assert.ok(!existsSync(join(root, dirname(path))), path);
  assert.deepEqual(readdirSync(join(root, LINKS)), ['cyrus-imapd.service']);
});
