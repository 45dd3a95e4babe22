import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import { becomeCyrusUser, type IdentitySystem } from '../../../src/cli/run-plan/become-cyrus-user.ts';
import { identityOfHost } from '../../../src/cli/run-plan/identity-of-host.ts';
import { assertRefused } from '../../lab/config-of.ts';

const OWN_GROUP = 8;

function unknown(): never {
  throw Object.assign(new Error('does not exist'), { code: 'ERR_UNKNOWN_CREDENTIAL' });
}

/** A system that records what is asked of it, with one call changed. */
function recording(changed: Partial<IdentitySystem> = {}): { calls: string[]; system: IdentitySystem } {
  const calls: string[] = [];
  const log =
    (name: string) =>
    (...args: (string | number)[]): void => {
      calls.push([name, ...args].join(' '));
    };
  const system = {
    geteuid: () => 0,
    seteuid: log('seteuid'),
    initgroups: log('initgroups'),
    setgid: log('setgid'),
    setuid: log('setuid'),
    ownGroup: () => OWN_GROUP,
    ...changed,
  };
  return { calls, system };
}

test('root becomes the user with its own group: groups first, the user last', () => {
  const { calls, system } = recording();
  becomeCyrusUser({ user: 'cyrus', group: undefined }, system);
  assert.deepEqual(calls, ['seteuid cyrus', 'seteuid 0', 'initgroups cyrus 8', 'setgid 8', 'setuid cyrus']);
});

test('a group given wins over the own one', () => {
  const { calls, system } = recording();
  becomeCyrusUser({ user: 'cyrus', group: 'mail' }, system);
  assert.deepEqual(calls.slice(2), ['initgroups cyrus mail', 'setgid mail', 'setuid cyrus']);
});

test('where no run is planned root becomes whom Cyrus runs as by the imapd.conf that is given', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const configFile = join(folder, 'imapd.conf');
  writeFileSync(configFile, 'cyrus_user: mailer\ncyrus_group: mail\n');
  assert.deepEqual(identityOfHost({ configFile }, {}, true), { user: 'mailer', group: 'mail' });
  assert.deepEqual(identityOfHost({ configFile }, { CYRUS_USER: 'other' }, true), {
    user: 'other',
    group: 'mail',
  });
  // It may not be readable by anybody else.
  assert.equal(identityOfHost({ configFile: '/nowhere' }, {}, false).user, 'cyrus');
  assertRefused(() => identityOfHost({ configFile: '/nowhere' }, {}, true), /expected a readable config/);
});

test('anybody else stays who they are', () => {
  const { calls, system } = recording({ geteuid: () => 1000 });
  becomeCyrusUser({ user: 'cyrus', group: undefined }, system);
  assert.deepEqual(calls, []);
});

test('an unknown user or group is a configuration error that names it, and nothing has changed', () => {
  const noUser = recording({ seteuid: unknown });
  assertRefused(
    () => becomeCyrusUser({ user: 'cyrsu', group: undefined }, noUser.system),
    /become user cyrsu, but there is none/,
  );
  assert.deepEqual(noUser.calls, []);
  const noGroup = recording({ initgroups: unknown });
  assertRefused(
    () => becomeCyrusUser({ user: 'cyrus', group: 'mial' }, noGroup.system),
    /become group mial, but there is none/,
  );
  assert.deepEqual(noGroup.calls, ['seteuid cyrus', 'seteuid 0']);
});

test('a refusal of the system is not taken for an unknown user', () => {
  const { system } = recording({
    setuid: () => {
      throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
    },
  });
  assertRefused(
    () => becomeCyrusUser({ user: 'cyrus', group: undefined }, system),
    /cannot become user cyrus: operation not permitted/,
    'IO',
  );
});

test('a real process: root ends as the user for good, anybody else is left alone', () => {
  const module = fileURLToPath(new URL('../../../src/cli/run-plan/become-cyrus-user.js', import.meta.url));
  const script = `import { becomeCyrusUser } from ${JSON.stringify(module)};
    const before = process.geteuid();
    becomeCyrusUser({ user: 'nobody', group: undefined });
    let back = before === 0;
    try { process.setuid(0); } catch { back = false; }
    const ids = [process.getuid(), process.geteuid(), process.getgid(), process.getegid()];
    process.stdout.write(JSON.stringify({ ids, back }));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  assert.equal(stderr, '');
  const number = (...args: string[]): number => Number(spawnSync('id', args, { encoding: 'utf8' }).stdout);
  const who = process.geteuid?.() === 0 ? ['nobody'] : [];
  const [user, group] = [number('-u', ...who), number('-g', ...who)];
  assert.deepEqual(JSON.parse(stdout), { ids: [user, user, group, group], back: false });
});
