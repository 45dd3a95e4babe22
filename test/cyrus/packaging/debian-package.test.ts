import assert from 'node:assert/strict';
import { readdirSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { programVersion } from '../../../src/cli/arguments/program-version.ts';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { giveToCyrus, startPair } from '../../lab/cyrus-server.ts';
import { populate } from '../../lab/populate.ts';
import { runAs, runProcess, type ToolResult } from '../../lab/processes.ts';

/*
 * Contract: the package installs on this distribution beside Debian's own Cyrus, works as the user that Cyrus runs as, is
 * small, and leaves nothing when it is purged.
 */

const BUILD = join(import.meta.dirname, '..', '..', '..', 'packaging', 'build-deb.js');
const MOST_INSTALLED_OCTETS = 40 * 2 ** 20;

let directory: string;
let deb: string;
/** The content of the package, unpacked. */
let root: string;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'package-'));
  const built = await ok([process.execPath, BUILD, directory]);
  deb = built.stdout.trim();
  root = join(directory, 'root');
  await ok(['dpkg-deb', '-x', deb, root]);
  giveToCyrus(directory);
});
after(async () => await rm(directory, { recursive: true }));

async function ok(command: readonly string[]): Promise<ToolResult> {
  const result = await runProcess(command);
  assert.equal(result.code, 0, `${command.join(' ')}: ${result.stdout}${result.stderr}`);
  return result;
}

/**
 * Runs a script as root in a copy of this system, which shares nothing with it that is written. Afterwards the output ends
 * with what is left of that, without dpkg's own notes, and those of systemd, which are gone at the next start.
 */
async function inCopyOfSystem(script: string): Promise<ToolResult> {
  const copy = join(directory, 'copy');
  const mounts = `
    mkdir -p ${copy} && mount -t tmpfs tmpfs ${copy} && mkdir ${copy}/upper ${copy}/work ${copy}/root
    mount -t overlay overlay -o lowerdir=/,upperdir=${copy}/upper,workdir=${copy}/work ${copy}/root
    mount --bind /dev ${copy}/root/dev
    cp ${deb} ${copy}/root/tmp/cyrus-sync.deb
    chroot ${copy}/root sh -euc "$1"
    cd ${copy}/upper
    find . \\( -path ./var/lib/dpkg -o -path ./var/cache -o -path ./tmp -o -path ./run/systemd \\) -prune -o \\( ! -type d -o -name '*cyrus-sync*' \\) -print |
      { grep -v '^./var/log/dpkg.log$' || true; } | sed 's/^/left: /'`;
  return await ok(['unshare', '--mount', '--propagation', 'private', 'sh', '-euc', mounts, 'sh', script]);
}

test('it installs beside the Cyrus of this distribution, runs as its user, and is purged without a trace', async () => {
  const { stdout } = await inCopyOfSystem(`
    dpkg --no-triggers -i /tmp/cyrus-sync.deb > /dev/null
    dpkg --verify cyrus-sync
    echo owners: $(dpkg -L cyrus-sync | while read -r path; do test -d "$path" || echo "$path"; done | xargs dpkg -S | cut -d: -f1 | sort -u)
    echo version: $(runuser -u cyrus -- cyrus-sync --version) $(runuser -u cyrus -- /usr/lib/cyrus-sync/bin/sync_client --version)
    echo original: $(dpkg -S /usr/lib/cyrus/bin/sync_client)
    echo logs: $(stat -c %U:%G:%a /var/log/cyrus-sync)
    cd /usr/lib/cyrus-sync/src/bundled/programs
    echo compiled: $(ls *.code)
    for each in *.code; do : > $each; done
    dpkg-trigger --by-package=cyrus-sync /usr/bin/node
    dpkg --triggers-only cyrus-sync > /dev/null
    echo compiled for a new Node: $(find . -name '*.code' -size +1M | sort)
    systemd-analyze verify --man=no /lib/systemd/system/cyrus-sync*@.service /lib/systemd/system/cyrus-sync*@.timer 2>&1 | sed 's/^/unit: /'
    logrotate --debug /etc/logrotate.d/cyrus-sync 2>&1 | { grep -i '^error' || true; } | sed 's/^/logrotate: /'
    dpkg --no-triggers --purge cyrus-sync > /dev/null 2>&1
  `);
  const version = programVersion();
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    'owners: cyrus-sync',
    `version: ${version} ${version}`,
    'original: cyrus-replication: /usr/lib/cyrus/bin/sync_client',
    'logs: cyrus:mail:750',
    'compiled: cyrus-sync.cjs.code sync_client.cjs.code',
    'compiled for a new Node: ./cyrus-sync.cjs.code ./sync_client.cjs.code',
  ]);
});

test('built again of the same sources it is the same, octet for octet', async () => {
  const again = join(directory, 'again');
  await mkdir(again);
  const built = await ok([process.execPath, BUILD, again]);
  const [first, second] = await Promise.all([deb, built.stdout.trim()].map((file) => readFile(file)));
  assert.ok(first && second?.equals(first), 'it differs');
});

test('installed it takes less than 40 MB, and of native parts it has those that it loads', () => {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const octets = files.reduce((sum, path) => sum + statSync(path).size, 0);
  assert.ok(octets < MOST_INSTALLED_OCTETS, `${octets} octets`);
  const native = files.filter((path) => path.endsWith('.node'));
  assert.equal(native.length, 2, native.join(' '));
  for (const part of [/koffi\.node$/, /lmdb.*\.node$/]) assert.ok(native.some((path) => part.test(path)));
});

test('what is installed copies a site, with threads, a report and a login by SCRAM', async () => {
  await using pair = await startPair({ replica: { imapd: { sasl_mech_list: 'SCRAM-SHA-256 PLAIN' } } });
  const { users } = await populate(pair.master, { users: 6 });
  const settings = join(directory, 'settings.ini');
  await writeFile(settings, 'threads = always\n');
  const program = join(root, 'usr/lib/cyrus-sync/bin/sync_client');
  const report = join(directory, 'report.json');
  const common = ['-C', pair.master.configFile, '--settings', settings];
  const run = await runAs([program, ...common, '-A', '--include', '*', '--report', report, '--progress']);
  assert.equal(run.code, 0, run.stderr);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, users);
  const verified = await runAs([join(root, 'usr/bin/cyrus-sync'), 'verify', '-A', '--deep', ...common]);
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  const checked = await runAs([join(root, 'usr/bin/cyrus-sync'), 'check', ...common]);
  assert.ok(checked.code === 0 || checked.code === 1, checked.stderr);
});

test('manual pages are clean for groff', async () => {
  const pages = ['man5/cyrus-sync.ini.5.gz', 'man8/cyrus-sync.8.gz', 'man8/sync_client.8.gz'];
  for (const each of pages) {
    const { stdout, stderr } = await ok([
      'sh',
      '-euc',
      'zcat "$1" | groff -ww -b -Kutf8 -Tutf8 -man',
      'sh',
      join(root, 'usr/share/man', each),
    ]);
    assert.equal(stderr, '', each);
    assert.match(stdout, /NAME/);
  }
});

test('completions are programs of their shells, and offer what may come next', async () => {
  const share = join(root, 'usr/share');
  await ok(['zsh', '-n', join(share, 'zsh/vendor-completions/_cyrus_sync')]);
  const bash = async (program: string, ...words: string[]): Promise<string[]> => {
    const script = `. "$1"; program=$2; shift 2; COMP_WORDS=("$program" "$@"); COMP_CWORD=$#
      $(complete -p "$program" | sed 's/.*-F \\([^ ]*\\).*/\\1/'); printf '%s\\n' "\${COMPREPLY[@]}"`;
    const file = join(share, 'bash-completion/completions', program);
    return (await ok(['bash', '-uc', script, 'bash', file, program, ...words])).stdout.trimEnd().split('\n');
  };
  assert.deepEqual(await bash('sync_client', '--all'), ['--all-users']);
  assert.deepEqual(await bash('sync_client', '-A', '--order', 's'), ['size']);
  assert.deepEqual(await bash('cyrus-sync', 've'), ['verify']);
  assert.deepEqual(await bash('cyrus-sync', 'verify', '--rep'), ['--repair', '--report']);
  assert.deepEqual(await bash('cyrus-sync', 'check', '--rep'), ['']);
  const fish = async (program: string, line: string): Promise<string[]> => {
    const file = join(share, 'fish/vendor_completions.d', `${program}.fish`);
    const command = ['fish', '--no-config', '-c', 'source $argv[1]; complete -C $argv[2]', file, line];
    const { stdout } = await ok(['env', `HOME=${directory}`, ...command]);
    return stdout
      .trimEnd()
      .split('\n')
      .map((each) => each.split('\t')[0] ?? '');
  };
  assert.deepEqual(await fish('sync_client', 'sync_client --all'), ['--all-users']);
  assert.deepEqual(await fish('cyrus-sync', 'cyrus-sync ver'), ['verify']);
  assert.deepEqual(await fish('cyrus-sync', 'cyrus-sync verify --rep'), ['--repair', '--report']);
});
