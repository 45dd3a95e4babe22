import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { assertSameState } from '../../lab/full-state.ts';
import { MailboxesByConnection } from '../../lab/mailboxes-by-connection.ts';
import { append } from '../../lab/populate.ts';
import { type ProxyPolicy, type Relay, ScriptedProxy } from '../../lab/scripted-proxy.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/** MAILBOX commands for the INBOX: the mailbox itself, and its messages. */
const FOR_INBOX = 2;
/** Answers of a connection before it is given work: to its login and to CAPABILITIES. */
const BEFORE_WORK = 2;

/** Holds the answers about the INBOX, which all other folders come after, until there is another connection. */
class UntilThereAreTwo implements ProxyPolicy {
  readonly #mailboxes: () => readonly number[];
  #connections = 0;
  #isReady = false;
  #held: (() => void)[] = [];

  /** @param mailboxes that each connection has carried */
  constructor(mailboxes: () => readonly number[]) {
    this.#mailboxes = mailboxes;
  }

  toClient(): Relay {
    this.#connections += 1;
    return this.#connections === 1 ? this.#first() : this.#other();
  }

  #first(): Relay {
    return (chunk, { pass }) => {
      if (this.#isReady || (this.#mailboxes()[0] ?? 0) < FOR_INBOX) pass(chunk);
      else this.#held.push(() => pass(chunk));
    };
  }

  #other(): Relay {
    let answers = 0;
    return (chunk, { pass }) => {
      pass(chunk);
      answers += chunk.toString('latin1').match(/^OK/gm)?.length ?? 0;
      if (answers < BEFORE_WORK) return;
      this.#isReady = true;
      for (const passHeld of this.#held.splice(0)) passHeld();
    };
  }
}

/** Each mailbox is below the one before, and has to come after it. */
const FOLDERS = ['', '/a', '/a/b', '/a/b/c', '/d', '/d/e'];
const MESSAGES = 300;

test('the folders of one user go over two connections, each after the one above it, and all is the same', async () => {
  await using pair = await startPair({ both: { imapd: { conversations: 'yes' } } });
  {
    await using imap = await pair.master.imap();
    for (const folder of FOLDERS) {
      await imap.ok(`CREATE user/anna${folder}`);
      await imap.ok(`SETACL user/anna${folder} admin lrswipkxtecda`);
      await append(imap, `user/anna${folder}`, MESSAGES, folder, 'anna');
    }
  }
  const seen: MailboxesByConnection = new MailboxesByConnection(new UntilThereAreTwo(() => seen.counts));
  await using proxy = await ScriptedProxy.start(pair.replica.syncPort, seen);
  pair.master.configure('sync_port', String(proxy.port));
  await pair.master.writeConfiguration();
  // Slow enough for a second connection to pay.
  await syncClientOk(pair.master, ['-u', 'anna', '--workers', '2', '--bwlimit', '1M']);
  assert.equal(seen.counts.length, 2);
  assert.ok(
    seen.counts.every((mailboxes) => mailboxes > 0),
    `MAILBOX commands by connection: ${seen.counts}`,
  );
  pair.master.configure('sync_port', String(pair.replica.syncPort));
  await pair.master.writeConfiguration();
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna']);
  await assertSameState(pair, ['anna']);
});
