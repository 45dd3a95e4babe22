import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { assertSameMailOf } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { append } from '../../lab/populate.ts';
import { LAUNCHER } from '../../lab/start-command.ts';
import { content, settled, until } from '../../lab/until.ts';

/* Contract: the entries for cyrus.conf that the package shows are run by a real master, each does what it says. */

const EXAMPLE = join(import.meta.dirname, '..', '..', '..', '..', 'packaging', 'files', 'cyrus.conf');
const INSTALLED = '/usr/lib/cyrus-sync/bin';

/** The entries of a section, as they would stand in the cyrus.conf of the master of a test. */
function entriesOf(section: string, options: string): string[] {
  const text = new RegExp(`^${section} \\{\\n([^}]*)\\}`, 'm').exec(readFileSync(EXAMPLE, 'utf8'))?.[1] ?? '';
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.replace(INSTALLED, dirname(LAUNCHER)).replace(/(cmd="[^"]*)"/, `$1 ${options}"`));
}

test('DAEMON follows the log, EVENTS goes over everybody and compares, all under the master process of Cyrus', async () => {
  await using pair = await startPair({
    master: { imapd: { sync_log: 'yes', sync_log_channels: 'offsite' } },
  });
  const { master, replica } = pair;
  for (const option of ['host', 'port', 'authname', 'password']) {
    master.configure(`offsite_sync_${option}`, master.setting(`sync_${option}`));
    master.configure(`sync_${option}`, undefined);
  }
  await master.halt();
  master.configure('sync_log', 'no');
  await master.writeConfiguration();
  await master.start();
  {
    // No line of a log says so: the event alone brings it.
    await using admin = await master.imap();
    await admin.ok('CREATE user/anna');
  }
  await master.halt();
  master.configure('sync_log', 'yes');
  const report = join(master.directory, 'verified.json');
  const [daemon = assert.fail('no entry'), ...daemons] = entriesOf('DAEMON', `-C ${master.configFile}`);
  const [pass = assert.fail('no entry'), verify = assert.fail('no entry'), ...events] = entriesOf(
    'EVENTS',
    `-C ${master.configFile}`,
  );
  assert.deepEqual([daemons, events], [[], []]);
  master.addEntry('DAEMON', daemon);
  // In place of a time of the day: as soon as master is up, and again a day later.
  const atOnce = (entry: string): string => entry.replace(/ at=\d{4}$/, ' period=1440');
  assert.notEqual(atOnce(pass), pass);
  master.addEntry('EVENTS', atOnce(pass));
  master.addEntry('EVENTS', atOnce(verify).replace(/"(?= period)/, ` --report ${report}"`));
  await master.writeConfiguration();
  await master.start();
  await until('the pass of EVENTS has brought anna', async () => {
    await using admin = await replica.imap();
    return (await admin.ok('LIST "" user/anna')).length > 0;
  });
  await until('the comparison of EVENTS has ended', () => /"complete": ?true/.test(content(report)));
  {
    await using anna = await master.imap('anna');
    await append(anna, 'INBOX', 1, 'after', 'anna');
  }
  // The entry of DAEMON brings it.
  await settled(master, 'offsite');
  await assertSameMailOf(master, replica, ['anna']);
});
