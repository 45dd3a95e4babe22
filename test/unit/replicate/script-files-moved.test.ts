import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Failures } from '../../../src/replicate/outcomes/failures.ts';
import {
  comparable,
  isMadeOfOurScripts,
  listingSession,
  moveScriptFiles,
  scriptsAreReadable,
  sendScripts,
  withoutScriptMailbox,
} from '../../../src/replicate/user-data/script-files.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import type { MailboxEntry, SieveState } from '../../../src/store/master-store.ts';
import { entry, remoteOf, state } from '../../lab/engine-fakes.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

const SCRIPT = { filename: 'a.script', lastUpdate: 1, guid: 'a'.repeat(40), active: true };
const FILES: SieveState = { source: 'directory', scripts: [SCRIPT as never], active: 'a.script' };
const sieve = entry('user.anna.#sieve', { type: 'f', userid: 'anna' });
const inbox = remoteOf(entry('user.anna'), state());
const there = remoteOf(sieve, state());

/** A site with one user whose scripts are files here, and the commands that either server is given. */
class Site {
  newReplica = true;
  newMaster = true;
  noCopyback = false;
  hasMaster = true;
  files: SieveState | Error = FILES;
  row: MailboxEntry | undefined;
  /** Listed by the replica. */
  scripts = [SCRIPT];
  mailboxesThere: unknown[] = [];
  readonly told: string[] = [];

  get context(): EngineContext {
    const tell = async (...words: unknown[]): Promise<void> => void this.told.push(words.join(' '));
    const master = {
      info: { sieveMailbox: this.newMaster },
      applyActivateSieve: (userid: string, name: string) => tell('master', 'activate', userid, name),
      applyUnactivateSieve: (userid: string) => tell('master', 'unactivate', userid),
    };
    const session = {
      info: { sieveMailbox: this.newReplica },
      window: async () => {},
      getMailboxes: async () => this.mailboxesThere,
      getMeta: async (userid: string) => {
        await tell('list', userid);
        return { sieve: this.scripts, mailboxes: [], quotas: [], seen: [], subscriptions: [] };
      },
      applyUnsieve: (userid: string, name: string) => tell('remove', userid, name),
      applySieve: (userid: string, name: string) => tell('send', userid, name),
      applyActivateSieve: (userid: string, name: string) => tell('activate', userid, name),
      applyUnactivateSieve: (userid: string) => tell('unactivate', userid),
    };
    const scriptFiles = (): SieveState => {
      if (this.files instanceof Error) throw this.files;
      return this.files;
    };
    return {
      session,
      master: this.hasMaster ? { connect: async () => ({ session: master }) } : undefined,
      store: {
        inboxName: (userid: string) => `user.${userid}`,
        lookup: (name: string) => (name === sieve.name ? this.row : undefined),
        lookupUniqueid: () => undefined,
        sieve: async () => scriptFiles(),
        scriptFiles,
      },
      options: { sieveFolder: '#sieve', noCopyback: this.noCopyback },
      scripts: {
        connect: async (isTheOne: (candidate: unknown) => Promise<boolean>) => {
          await tell('lists scripts:', await isTheOne(session));
          return session;
        },
      },
      emit: ({ kind }: { kind: string }) => tell(kind),
    } as unknown as EngineContext;
  }
}

async function toldOf(changes: Partial<Site>): Promise<string[]> {
  const site = Object.assign(new Site(), changes);
  await moveScriptFiles(site.context, 'anna');
  return site.told;
}

test('the master’s server is asked to move scripts that are files, by a command that says what is so already', async () => {
  assert.deepEqual(await toldOf({}), ['master activate anna a.script']);
  assert.deepEqual(await toldOf({ files: { ...FILES, active: undefined } }), ['master unactivate anna']);
});

test('it is not asked where nothing is to be moved, or nobody may be asked', async () => {
  const cases: Partial<Site>[] = [
    { newReplica: false },
    { newMaster: false },
    { noCopyback: true },
    { hasMaster: false },
    { files: { ...FILES, scripts: [] } },
    { files: { ...FILES, source: 'mailbox' as never } },
    { row: sieve },
  ];
  for (const changes of cases) assert.deepEqual(await toldOf(changes), [], JSON.stringify(changes));
  assert.deepEqual(await toldOf({ row: { ...sieve, deleted: true } }), ['master activate anna a.script']);
});

test('a server that will not move them is told of, and stops nothing', async () => {
  const site = new Site();
  const { context } = site;
  const refusing = { connect: async () => Promise.reject(new SyncError('CONNECT_FAILED', 'no')) };
  await moveScriptFiles({ ...context, master: refusing as never }, 'anna');
  assert.deepEqual(site.told, ['user:scripts-as-files']);
});

test('scripts that cannot be read fail alone, and then nothing is done about scripts', async () => {
  const site = new Site();
  const failures = new Failures('anna');
  assert.equal(await scriptsAreReadable(site.context, 'anna', failures), true);
  site.files = new SyncError('IO', 'no');
  assert.equal(await scriptsAreReadable(site.context, 'anna', failures), false);
  assert.throws(() => failures.throwIfAny(), { code: 'IO', phase: 'sieve', leaves: 'metadata-differs' });
});

test('a #sieve that only script commands fill is compared with nothing, one of a master that has its own is', () => {
  const site = new Site();
  assert.deepEqual(withoutScriptMailbox(site.context, 'anna', [inbox, there]), [inbox]);
  assert.deepEqual(comparable(site.context, 'anna', [inbox, there]), [inbox]);
  assert.deepEqual(comparable(site.context, 'anna', [inbox]), [inbox]);
  site.row = sieve;
  assert.deepEqual(comparable(site.context, 'anna', [inbox, there]), [inbox, there]);
});

test('scripts go to a new replica over a session that lists them, twice where that moves them first', async () => {
  const sent = async (changes: Partial<Site>, mailboxes = [inbox]): Promise<string[]> => {
    const site = Object.assign(new Site(), changes);
    const replica = { mailboxes, quotas: [], seen: [], subscriptions: [], sieve: [] };
    await sendScripts(site.context, 'anna', replica, new Failures('anna'));
    return site.told;
  };
  const listed = ['lists scripts: true', 'list anna'];
  assert.deepEqual(await sent({}), [...listed, ...listed]);
  assert.deepEqual(await sent({}, [inbox, there]), listed);
  assert.deepEqual(await sent({ files: { ...FILES, scripts: [], active: undefined } }), []);
  assert.deepEqual(await sent({ row: sieve }), []);
});

test('a session lists scripts if it does not list the mailbox that they are in', async () => {
  const site = new Site();
  await listingSession(site.context, 'anna');
  site.mailboxesThere = [there];
  await listingSession(site.context, 'anna');
  assert.deepEqual(site.told, ['lists scripts: true', 'lists scripts: false']);
});

test('another #sieve gives way if each script in it is one of ours', async () => {
  const isOurs = async (
    changes: Partial<Site>,
    ours: MailboxEntry = sieve,
    theirs = there,
  ): Promise<boolean> => isMadeOfOurScripts(Object.assign(new Site(), changes).context, ours, theirs);
  assert.equal(await isOurs({}), true);
  assert.equal(await isOurs({ scripts: [] }), true);
  assert.equal(await isOurs({ scripts: [SCRIPT, { ...SCRIPT, filename: 'defaultbc', guid: 'b' }] }), true);
  assert.equal(await isOurs({ scripts: [{ ...SCRIPT, guid: 'b'.repeat(40) }] }), false);
  assert.equal(await isOurs({ scripts: [SCRIPT, { ...SCRIPT, filename: 'b.script' }] }), false);
  assert.equal(await isOurs({ newReplica: false }), false);
  assert.equal(await isOurs({}, { ...sieve, userid: undefined }), false);
  assert.equal(await isOurs({}, { ...sieve, type: '' }), false);
  assert.equal(await isOurs({}, sieve, { ...there, type: '' }), false);
});

for (const [what, names, isReplaced] of [
  ['gives way to that of the master, which has all its scripts', ['first', 'second'], true],
  ['stays where the master has not all of its scripts', ['second'], false],
] as const) {
  test(`the #sieve that a replica made of script commands ${what}`, async () => {
    await using scene = await EngineScene.start();
    const { master, replica } = scene;
    const name = 'user.anna.#sieve';
    master.addUser('anna');
    const made = master.put(name, { messages: ['first', 'second'], entry: { type: 'f' } });
    await scene.runUser('anna');
    for (const script of ['first', 'second']) master.putScript('anna', script, `keep; # ${script}`);
    const { scripts, active } = master.scriptFiles('anna');
    const { scripts: theirs } = await scene.context();
    const session = await theirs.connect(async () => true);
    for (const { filename, lastUpdate, content } of scripts)
      await session.applySieve('anna', filename, lastUpdate, content);
    const kept = scripts.filter(({ filename }) => names.some((each) => filename === `${each}.script`));
    master.sieve = async () => ({ source: 'mailbox', scripts: kept, active });
    const moved = master.put(name, { messages: names, entry: { type: 'f' } });
    if (isReplaced) await scene.runUser('anna');
    else await assert.rejects(scene.runUser('anna'), { code: 'IMAP_MAILBOX_MOVED' });
    const { uniqueid } = replica.inspect().mailboxes[name] ?? {};
    assert.equal(uniqueid, (isReplaced ? moved : made).uniqueid);
  });
}
