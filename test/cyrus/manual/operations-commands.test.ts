import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { assertSameMail } from '../../lab/assert-same-mail.ts';
import {
  type CyrusServer,
  giveToCyrus,
  PASSWORD,
  type Pair,
  replicaSettings,
  startPair,
} from '../../lab/cyrus-server.ts';
import { append, populate } from '../../lab/populate.ts';
import { runAs } from '../../lab/processes.ts';
import { LAUNCHER } from '../../lab/start-command.ts';

/* Contract: whoever types what docs/operations.md begins with, in the order in which it stands there, gets what it says. */

const PROJECT = join(import.meta.dirname, '..', '..', '..', '..');
const manual = readFileSync(join(PROJECT, 'docs', 'operations.md'), 'utf8');

let pair: Pair;
let users: string[];

before(async () => {
  const imapd = { sync_log: 'yes' };
  pair = await startPair({
    master: { imapd: { ...imapd, sync_log_channels: 'offsite' } },
    replica: { imapd: { ...imapd, sync_log_channels: 'back' } },
  });
  await useChannel(pair.master, 'offsite', pair.replica);
  await useChannel(pair.replica, 'back', pair.master);
  ({ users } = await populate(pair.master, { users: 6 }));
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/alice');
  users.push('alice');
});
after(async () => await pair?.stop());

/** The host of the channel is the other one, as the manual has it, and the commands that it names are there. */
async function useChannel(server: CyrusServer, channel: string, other: CyrusServer): Promise<void> {
  for (const [key, value] of Object.entries(replicaSettings(other))) {
    server.configure(key, key === 'sync_try_imap' ? value : undefined);
    if (key !== 'sync_try_imap') server.configure(`${channel}_${key}`, value);
  }
  await server.writeConfiguration();
  const bin = join(server.directory, 'bin');
  await mkdir(bin);
  const scripts = {
    sync_client: `exec ${LAUNCHER} -C ${server.configFile} "$@"`,
    'cyrus-sync': `verb=$1; shift
      case $verb in check|plan|verify) set -- -C ${server.configFile} "$@" ;; esac
      exec ${join(dirname(LAUNCHER), 'cyrus-sync')} "$verb" "$@"`,
    systemctl: systemctl(server),
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  await mkdir(join(server.directory, 'run'));
  giveToCyrus(server.directory);
}

/** Does with a unit of ours as systemd would: a service goes on in the background, of a timer the service is run once. */
function systemctl({ directory }: CyrusServer): string {
  return `
    [ "$2" = --now ] || exit 64
    instance=\${3#*@}; instance=\${instance%.timer}
    unit=${PROJECT}/packaging/systemd/\${3%%@*}@.service
    command=$(sed -n "s,^ExecStart=/usr/lib/cyrus-sync/bin/,,p" "$unit" | sed "s/%I/$instance/")
    case $1-$3 in
      enable-*.timer) [ -f "\${unit%.service}.timer" ] && exec $command ;;
      enable-*)
        $command > ${directory}/unit.log 2>&1 & echo $! > ${directory}/run/$3.pid
        until [ -S ${directory}/run/$instance.sock ]; do kill -0 $!; sleep 0.1; done ;;
      disable-*)
        kill "$(cat ${directory}/run/$3.pid)"
        while kill -0 "$(cat ${directory}/run/$3.pid)" 2> /dev/null; do sleep 0.1; done ;;
      *) exit 64 ;;
    esac`;
}

/** Runs all that a section has for one of the hosts, each command to its end before the next, and wants 0 of all. */
async function runSection(heading: string, host: 'master' | 'replica'): Promise<number> {
  const server = pair[host];
  const section = manual.split('\n## ').find((text) => text.startsWith(`${heading}\n`)) ?? '';
  const blocks = [...section.matchAll(/^```sh on=(\w+)\n([^`]*)```$/gm)];
  const commands = blocks
    .filter(([, on]) => on === host)
    .flatMap(([, , text = '']) => text.trimEnd().split('\n'));
  for (const command of commands) {
    const shown = command
      .replaceAll('/var/tmp/', `${server.directory}/`)
      .replaceAll('/run/cyrus-sync/', `${server.directory}/run/`)
      .replace('old.example.org:143', `127.0.0.1:${pair.master.imapPort}`)
      .replace('--metrics 9765', '--metrics 0');
    const env = {
      PATH: `${server.directory}/bin:${process.env.PATH ?? ''}`,
      CYRUS_SYNC_RUN_DIRECTORY: join(server.directory, 'run'),
    };
    const { code, stdout, stderr } = await runAs(['sh', '-c', shown], { env, cwd: server.directory });
    assert.equal(code, 0, `${command}\n${stdout.slice(-3_000)}${stderr.slice(-3_000)}`);
  }
  return commands.length;
}

test('an evening: checked, planned, copied, passed over again and proven', async () => {
  assert.ok((await runSection('200 GB and one evening', 'master')) >= 9);
  await assertSameMail(pair.master, pair.replica, users);
});

test('months: a channel is followed, asked and steered; then a planned failover, and the way back with new mail', async () => {
  assert.ok((await runSection('A replica for months', 'master')) >= 10);
  assert.ok((await runSection('While it runs', 'master')) >= 3);
  {
    await using alice = await pair.master.imap('alice');
    await append(alice, 'INBOX', 1, 'for the last pass', 'alice');
  }
  assert.ok((await runSection('Failover by hand', 'master')) >= 4);
  {
    await using alice = await pair.replica.imap('alice');
    await append(alice, 'INBOX', 2, 'after the failover', 'alice');
  }
  assert.ok((await runSection('Failover by hand', 'replica')) >= 4);
  await assertSameMail(pair.replica, pair.master, users);
  await runAs(['sh', '-c', `kill $(cat ${pair.replica.directory}/run/cyrus-sync@back.pid)`]);
});

test('what the manual shows besides, where no channel is named: comparing, choosing, and reading from a server', async () => {
  const { master, replica } = pair;
  const settings = { ...replicaSettings(replica), unixhierarchysep: 'yes' };
  const login = { master_user: 'admin', master_password: PASSWORD };
  await writeFile(
    join(master.directory, 'copy.conf'),
    Object.entries(settings)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
  );
  await writeFile(
    join(master.directory, 'copy.ini'),
    Object.entries(login)
      .map(([key, value]) => `${key} = ${value}\n`)
      .join(''),
    { mode: 0o600 },
  );
  for (const [key, value] of Object.entries(replicaSettings(replica))) master.configure(key, value);
  await master.writeConfiguration();
  giveToCyrus(master.directory);
  assert.ok((await runSection('Proving that both ends are the same: verify', 'master')) >= 5);
  assert.ok((await runSection('Choosing users', 'master')) >= 1);
  assert.ok((await runSection('A master read from its server', 'master')) >= 1);
  assert.doesNotMatch(manual, /^```sh$/m, 'commands that no test runs');
});

test('each alert has its line in the manual, and the manual no other', () => {
  const rules = readFileSync(join(PROJECT, 'docs', 'prometheus', 'alerts.yml'), 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name]) => name);
  const told = [...manual.matchAll(/^\| `(CyrusSync\w+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(told, alerts);
});
