import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { addEvent } from '../../lab/calendars.ts';
import { PROGRAMS } from '../../lab/cyrus-programs.ts';
import { type CyrusServer, type Pair, startPair } from '../../lab/cyrus-server.ts';
import { givePassword } from '../../lab/give-password.ts';
import { JmapClient } from '../../lab/jmap-client.ts';
import { syncClientOk } from '../../lab/sync-client.ts';

/*
 * Goal: what people have by JMAP and CalDAV beside their mail is on the replica, for its own httpd to find. The matrix compares
 * events and contacts; here is what they do not show.
 */

const HTTPD = {
  conversations: 'yes',
  httpmodules: 'caldav carddav jmap',
  // Contacts.
  jmap_nonstandard_extensions: 'yes',
  jmap_max_delayed_send: '1d',
};
const UPLOADED =
  'From: anna@example.net\r\nSubject: Entwurf\r\nMessage-ID: <draft@example.net>\r\n\r\nvon Anna\r\n';
const ATTACHMENT = 'noch in keiner Mail';

async function pairWithAnna(t: TestContext): Promise<Pair | undefined> {
  if (!PROGRAMS.haveHttpd) {
    t.diagnostic('nothing is tried: httpd is not installed');
    return undefined;
  }
  const pair = await startPair({ both: { calendars: true, imapd: HTTPD } });
  await using admin = await pair.master.imap();
  await admin.ok('CREATE user/anna');
  for (const server of [pair.master, pair.replica]) await givePassword(server, 'anna');
  return pair;
}

test('mail, folders, contacts, uploads and an answer to everybody that came by JMAP are the same on both ends', async (t) => {
  await using pair = await pairWithAnna(t);
  if (pair === undefined) return;
  const client = new JmapClient(pair.master, 'anna');
  await importMail(client, { $seen: true });
  // What no mail has is in the mailbox of uploads alone.
  const attachmentId = await client.upload(ATTACHMENT, 'text/plain');
  await client.call('Mailbox/set', { create: { one: { name: 'Süßes', sortOrder: 7 } } });
  await client.call('Contact/set', { create: { one: { firstName: 'Zoë', lastName: 'Brontë' } } });
  // The httpd of Debian's 3.6.1 ends at it, and before there is none.
  const away = PROGRAMS.isAtLeast(3, 8) ? { isEnabled: true, textBody: 'bin weg' } : undefined;
  if (away) await client.call('VacationResponse/set', { update: { singleton: away } });
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna']);

  const there = new JmapClient(pair.replica, 'anna');
  assert.equal(await there.download(attachmentId), ATTACHMENT);
  assert.deepEqual(await told(there, away !== undefined), await told(client, away !== undefined));
});

interface Created {
  created: { one: { id: string } };
}

/** Uploads a message, and files it in the first mailbox. */
async function importMail(client: JmapClient, keywords: Record<string, boolean> = {}): Promise<Created> {
  const blobId = await client.upload(UPLOADED, 'message/rfc822');
  const { list } = await client.call<{ list: { id: string }[] }>('Mailbox/get', {});
  const mailboxIds = { [list[0]?.id ?? '']: true };
  return await client.call<Created>('Email/import', { emails: { one: { blobId, mailboxIds, keywords } } });
}

/** @param scripts whether to ask for what is made of a script */
async function told(client: JmapClient, scripts: boolean): Promise<unknown> {
  const methods = ['Mailbox/get', 'Contact/get', ...(scripts ? ['VacationResponse/get'] : [])];
  const answers = await Promise.all(methods.map((method) => client.call<{ list: object[] }>(method, {})));
  return answers.map(({ list }) => list);
}

test('mail that waits to be sent later waits on the replica too', async (t) => {
  await using pair = await pairWithAnna(t);
  if (pair === undefined) return;
  const client = new JmapClient(pair.master, 'anna');
  const imported = await importMail(client);
  const envelope = {
    mailFrom: { email: 'anna@example.net', parameters: { HOLDFOR: '3600' } },
    rcptTo: [{ email: 'bob@example.net' }],
  };
  await client.call('EmailSubmission/set', {
    create: { one: { identityId: 'anna', emailId: imported.created.one.id, envelope } },
  });
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna']);
  const waiting = await Promise.all(
    [pair.master, pair.replica].map((server) =>
      new JmapClient(server, 'anna').call<{ list: object[] }>('EmailSubmission/get', { ids: null }),
    ),
  );
  assert.equal(waiting[0]?.list.length, 1);
  assert.deepEqual(waiting[1]?.list, waiting[0]?.list);
  // Whose calalarmd sends it, should that be the master one day.
  assert.ok(hasAlarms(pair.replica, 'user.anna.#jmapsubmission'));
});

test('mail that sleeps until a time does so on the replica too, and is awake there when it is', async (t) => {
  await using pair = await pairWithAnna(t);
  if (pair === undefined) return;
  const client = new JmapClient(pair.master, 'anna');
  const { list } = await client.call<{ list: { id: string }[] }>('Mailbox/get', {});
  const later = await client.call<Created>('Mailbox/set', {
    create: { one: { name: 'Later', role: 'snoozed' } },
  });
  const [first, second] = ['2037-01-01T00:00:00Z', '2037-02-02T00:00:00Z'];
  const email = await client.call<Created>('Email/import', {
    emails: {
      one: {
        blobId: await client.upload(UPLOADED, 'message/rfc822'),
        mailboxIds: { [later.created.one.id]: true },
        snoozed: { until: first },
      },
    },
  });
  const id = email.created.one.id;
  const assertAsleep = async (until: string | undefined): Promise<void> => {
    await syncClientOk(pair.master, ['-A']);
    await assertNothingLeft(pair);
    await assertSameMail(pair.master, pair.replica, ['anna']);
    const [here, there] = await Promise.all(
      [pair.master, pair.replica].map((server) => asleepUntil(new JmapClient(server, 'anna'), id)),
    );
    // A server of 3.2 does not take the annotation that comes for a sign of it.
    assert.deepEqual([here, there], [until, PROGRAMS.isAtLeast(3, 4) ? until : undefined]);
  };
  await assertAsleep(first);
  assert.ok(hasAlarms(pair.replica, 'user.anna.Later'));
  await client.call('Email/set', { update: { [id]: { snoozed: { until: second } } } });
  await assertAsleep(second);
  const awake = { snoozed: null, mailboxIds: { [list[0]?.id ?? '']: true } };
  await client.call('Email/set', { update: { [id]: awake } });
  await assertAsleep(undefined);
});

async function asleepUntil(client: JmapClient, id: string): Promise<string | undefined> {
  const { list } = await client.call<{ list: { snoozed: { until: string } | null }[] }>('Email/get', {
    ids: [id],
    properties: ['snoozed'],
  });
  assert.equal(list.length, 1);
  return list[0]?.snoozed?.until;
}

test('alarms of events are kept beside the protocol: dav_reconstruct finds them in the calendars of the replica', async (t) => {
  await using pair = await pairWithAnna(t);
  if (pair === undefined) return;
  const alarm = ['BEGIN:VALARM', 'TRIGGER:-PT15M', 'ACTION:DISPLAY', 'END:VALARM'];
  // There is always a next one.
  await addEvent(pair.master, 'anna', 'alarmed', 'RRULE:FREQ=YEARLY', ...alarm);
  await syncClientOk(pair.master, ['-A']);
  await assertNothingLeft(pair);
  const withAlarms = [pair.master, pair.replica].map((server) => hasAlarms(server, '#calendars'));
  assert.deepEqual(withAlarms, [true, false]);
  await pair.replica.runOk('dav_reconstruct', ['-a']);
  assert.ok(hasAlarms(pair.replica, '#calendars'));
});

/** Tells whether calalarmd has something to look at: its rows name mailboxes. */
function hasAlarms(server: CyrusServer, mailbox: string): boolean {
  const file = join(server.configDirectory, 'caldav_alarm.sqlite3');
  return existsSync(file) && readFileSync(file, 'latin1').includes(mailbox);
}
