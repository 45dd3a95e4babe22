import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { parseArguments } from '../../../src/cli/arguments/arguments.ts';
import { checkAgentFiles } from '../../../src/cli/carry-out/run-slice.ts';
import { planRolling } from '../../../src/cli/run-plan/plan-run.ts';
import { rejectsWith } from '../../lab/errors.ts';

const IMAPD =
  'configdirectory: /var/lib/cyrus\npartition-default: /var/spool/cyrus\nsync_host: replica\nsync_log: yes\n';

/** A channel in rolling mode with a status page over TLS. What is root's alone is as good as gone once it runs. */
function started(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'read-again-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const page = `metrics = 9765\nmetrics_certificate = ${path('pem')}\nmetrics_key = ${path('key')}\n`;
  const write = (settings: string, web = page): void => writeFileSync(path('ini'), `${web}${settings}`);
  writeFileSync(path('imapd.conf'), IMAPD);
  writeFileSync(path('pem'), 'certificate');
  writeFileSync(path('key'), 'key');
  write('workers = 2\n');
  const argv = ['-R', '-C', path('imapd.conf'), '--settings', path('ini')];
  const [channel] = planRolling(parseArguments(argv), {});
  assert.ok(channel);
  for (const name of ['pem', 'key', 'imapd.conf']) rmSync(path(name));
  return { ...channel, write, configFile: path('imapd.conf'), settingsFile: path('ini') };
}

test('settings are read again although the key of the status page and imapd.conf cannot be', (t) => {
  const { plan, replan, write } = started(t);
  assert.equal(plan.web?.tls?.key, 'key');
  write('workers = 3\nbwlimit = 1M\npause_file = /run/pause\nmax_load = 4\n');
  const { connections, operate, settings } = replan();
  assert.deepEqual([connections, settings.workers], [3, 3]);
  assert.deepEqual(operate.bwlimit, [{ minute: 0, rate: 1_000_000 }]);
  assert.deepEqual(operate.pauses, { file: '/run/pause', url: undefined, mostLoad: 4 });
});

test('a mistake that the next start would refuse is refused, in settings that change nothing now too', async (t) => {
  const { replan, write } = started(t);
  for (const [mistake, code, message] of [
    ['workers = many\n', 'CONFIG', /workers: expected/],
    ['max_load = none\n', 'CONFIG', /max_load: expected/],
    ['replica_imap = replica:imap:imap\n', 'CONFIG', /replica_imap: expected/],
  ] as const) {
    write(mistake);
    await rejectsWith(Promise.resolve().then(replan), code, message);
  }
  write('', 'metrics = [::]:9765\n');
  await rejectsWith(Promise.resolve().then(replan), 'USAGE', /expected metrics_token/);
});

test('each slice of an agent is planned although the key of its status page cannot be read any more', (t) => {
  const { plan, configFile, settingsFile } = started(t);
  writeFileSync(configFile, IMAPD);
  const files = {
    configFile,
    settingsFile,
    logFile: undefined,
    logFormat: 'text' as const,
    logToStderr: false,
  };
  checkAgentFiles({ files, reads: 'files', fleet: 'fleet', web: plan.web, environment: {} });
});
