/**
 * Records the run that the program is trained on (bin/training), with real servers, as root or cyrus:
 * `npm run build && node dist/test/training/record-training.js`
 * Anna has nothing new, bob has one message that the replica has not: what hooks and cron start thousands of times.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { CommandSplitter } from '../../bin/training/command-splitter.ts';
import { type Recording, STORE_DIRECTORIES } from '../../bin/training/recording.ts';
import { CyrusServer, replicaSettings } from '../lab/cyrus-server.ts';
import { filesBelow } from '../lab/files-below.ts';
import { ScriptedProxy } from '../lab/scripted-proxy.ts';
import { syncClientOk } from '../lab/sync-client.ts';

const USERS = ['anna', 'bob'];
const FOLDERS = ['Sent', 'Work'];
const MESSAGES = 2;

/** Options that many sites have, and that decide how the store reads. */
const IMAPD = {
  defaultpartition: 'default',
  servername: 'master.test',
  unixhierarchysep: 'yes',
  altnamespace: 'no',
  virtdomains: 'off',
  conversations: 'yes',
};

/** Files that a server has for itself while it is up. */
const OF_ITS_PROCESSES =
  /^conf\/(?:socket|proc|lock|log|msg|ptclient|stats|sync|db|[^/]*\.(?:pid|sqlite3)|(?:deliver|tls_sessions|statuscache)\.db)/;

/** The last line of an answer. */
const TAGGED = /^(?:OK|NO|BAD)(?: [^\r\n]*)?\r\n/m;

const commands: string[] = [];
let said = '';
await using replica = await CyrusServer.start('replica', { imapd: { conversations: 'yes' } });
await using proxy = await ScriptedProxy.start(replica.syncPort, {
  toServer: () => {
    const splitter = new CommandSplitter();
    return (chunk, { pass }) => {
      commands.push(...splitter.add(chunk.toString('latin1')));
      pass(chunk);
    };
  },
  toClient:
    () =>
    (chunk, { pass }) => {
      said += chunk.toString('latin1');
      pass(chunk);
    },
});
await using master = await CyrusServer.start('master', {
  imapd: { ...IMAPD, ...replicaSettings(replica), sync_port: String(proxy.port) },
});
{
  const admin = await master.imap();
  for (const user of USERS) {
    await admin.ok(`CREATE user/${user}`);
    await admin.ok(`SETQUOTA user/${user} (STORAGE 100000)`);
  }
  for (const user of USERS) {
    const client = await master.imap(user);
    for (const folder of FOLDERS) {
      await client.ok(`CREATE INBOX/${folder}`);
      await client.ok(`SUBSCRIBE INBOX/${folder}`);
    }
    for (const folder of ['INBOX', ...FOLDERS.map((each) => `INBOX/${each}`)]) {
      for (let number = 1; number <= MESSAGES; number += 1) {
        await client.ok(`APPEND ${folder} (\\Seen) `, message(`${folder} ${number}`));
      }
    }
  }
  await syncClientOk(master, ['-u', ...USERS]);
  const bob = await master.imap('bob');
  await bob.ok('APPEND INBOX ', message('new'));
}

commands.length = 0;
said = '';
await syncClientOk(master, ['-u', ...USERS]);
await master.halt();
const greeting = nextAnswer(/^\* OK[^\r\n]*\r\n/m);
const answers: Record<string, string> = {};
for (const command of commands) {
  const answer = nextAnswer(TAGGED);
  // The password is another, and what has literals is agreed to.
  if (!command.startsWith('AUTHENTICATE') && !command.slice(0, -2).includes('\r\n'))
    answers[command] = answer;
}
const files = Object.values(STORE_DIRECTORIES)
  .flatMap((directory) => filesBelow(join(master.directory, directory)))
  .map((path) => [relative(master.directory, path), readFileSync(path).toString('base64')] as const)
  .filter(([path]) => !OF_ITS_PROCESSES.test(path));
const recording: Recording = {
  arguments: ['-u', ...USERS],
  imapd: IMAPD,
  files: Object.fromEntries(files),
  greeting,
  answers,
};
const target = join(import.meta.dirname, '..', '..', '..', 'bin', 'training', 'recording.json');
writeFileSync(target, `${JSON.stringify(recording, undefined, 2)}\n`);

function nextAnswer(end: RegExp): string {
  const found = end.exec(said);
  if (found === null) throw new Error(`expected ${end} in ${JSON.stringify(said.slice(0, 200))}`);
  const length = found.index + found[0].length;
  const answer = said.slice(0, length);
  said = said.slice(length);
  return answer;
}

function message(subject: string): Buffer {
  return Buffer.from(
    `From: anna@example.com\r\nTo: bob@example.com\r\nDate: Mon, 1 Jan 2024 10:00:00 +0000\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(/[^a-z0-9]/gi, '.')}@example.com>\r\n\r\nHello.\r\n`,
  );
}
