import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { openSyslog } from '../../../src/native/syslog.ts';
import { SyncError } from '../../../src/report/sync-error.ts';

/** In a process of its own: the connection belongs to the process, and its copy goes to stderr. */
function run(script: string) {
  const base = new URL('../../../src/native/', import.meta.url);
  const imports = `
    import { openSyslog } from '${base}syslog.js';
    import { tryLock } from '${base}locks.js';
    import { createRequire } from 'node:module';
    const loaded = () => Object.keys(createRequire(import.meta.url).cache).some((path) => path.includes('koffi'));`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', imports + script], { encoding: 'utf8' });
}

test('lines carry the ident and the process id, and are never taken for a format', () => {
  const result = run(`
    const syslog = openSyslog('sync_' + 'client', 'mail', { stderr: true });
    // Whatever held the ident must survive this.
    for (let i = 0; i < 50_000; i++) 'sync_'.repeat(20).toUpperCase();
    for (const level of ['error', 'warning', 'notice', 'info', 'debug']) syslog.log(level, level + ' %s %n 100% é');
    syslog.log('notice', 'before\\0after');
    syslog.close();
    syslog.close();
    syslog.log('notice', 'too late');
    console.log(process.pid);
  `);
  assert.equal(result.status, 0, result.stderr);
  const name = `sync_client[${result.stdout.trim()}]: `;
  assert.deepEqual(result.stderr.trimEnd().split('\n'), [
    ...['error', 'warning', 'notice', 'info', 'debug'].map((level) => `${name}${level} %s %n 100% é`),
    `${name}before?after`,
  ]);
});

test('without the process id', () => {
  const result = run(`
    const syslog = openSyslog('sync_client', 'LOCAL6', { stderr: true, pid: false });
    syslog.log('info', 'hello');
    syslog.close();
  `);
  assert.equal(result.stderr, 'sync_client: hello\n');
});

test('the foreign function library is loaded by the first call, not by the import', () => {
  const result = run(`
    const before = loaded();
    try { tryLock(-1, 'shared'); } catch {}
    console.log(before, loaded());
  `);
  assert.equal(result.stdout, 'false true\n', result.stderr);
});

test('an unknown facility is refused with the ones there are', () => {
  assert.throws(
    () => openSyslog('sync_client', 'post'),
    (error) =>
      error instanceof SyncError && error.code === 'CONFIG' && /local6.*got post/.test(error.message),
  );
});
