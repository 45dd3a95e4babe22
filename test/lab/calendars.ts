import type { CyrusServer } from './cyrus-server.ts';
import { DavClient } from './dav-client.ts';
import { givePassword } from './give-password.ts';
import { quoteImap } from './imap-values.ts';
import { mailboxOf } from './populate.ts';

const CALENDARS = ['Default', 'extra'];
const ADDRESS_BOOK = 'Default';

/** Gives users calendars and address books: by `httpd`, and where there is none, mailboxes of these types with mail like its. */
export async function fillCalendars(server: CyrusServer, users: readonly string[]): Promise<void> {
  for (const user of users) {
    if (server.hasHttpd) {
      await givePassword(server, user);
      await fillByHttp(server, user);
    } else {
      await fillByImap(server, user);
    }
  }
}

export async function changeCalendars(
  server: CyrusServer,
  users: readonly string[],
  round: number,
): Promise<void> {
  for (const user of server.hasHttpd ? users : []) {
    const client = new DavClient(server, user);
    await client.put(`${eventsOf(user)}lunch.ics`, event('lunch', `Mittagessen ${round}`));
    await client.put(`${eventsOf(user)}round-${round}.ics`, event(`round-${round}`, 'new'));
    await client.put(`${contactsOf(user)}bob.vcf`, contact('bob', `Bob ${round}`));
    if (round === 1) await client.delete(`${eventsOf(user)}gone.ics`);
  }
}

/** All events and contacts as clients get them: each calendar and address book as a whole. */
export async function calendarsAsSeen(server: CyrusServer, user: string): Promise<string[]> {
  const client = new DavClient(server, user);
  const all: string[] = [];
  for (const path of [...CALENDARS.map((name) => eventsOf(user, name)), contactsOf(user)]) {
    const text = await client.get(path);
    // The server's own name is in what it makes of several events.
    const parts = text.match(/BEGIN:(?:VEVENT|VCARD)[\s\S]*?END:(?:VEVENT|VCARD)/g) ?? [];
    all.push(...parts.map((part) => `${path} ${part}`));
  }
  return all.sort();
}

/** Adds an event, as a client of one side does without the other's knowledge. */
export async function addEvent(
  server: CyrusServer,
  user: string,
  uid: string,
  ...more: readonly string[]
): Promise<void> {
  await new DavClient(server, user).put(`${eventsOf(user)}${uid}.ics`, event(uid, server.name, ...more));
}

async function fillByHttp(server: CyrusServer, user: string): Promise<void> {
  const client = new DavClient(server, user);
  for (const uid of ['lunch', 'gone', 'stays']) {
    await client.put(`${eventsOf(user)}${uid}.ics`, event(uid, `Käse mit ${user}`));
  }
  await client.makeCalendar(eventsOf(user, 'extra'), 'Außerdem');
  await client.put(`${eventsOf(user, 'extra')}weekly.ics`, event('weekly', 'weekly', 'RRULE:FREQ=WEEKLY'));
  for (const uid of ['bob', 'zoe']) {
    await client.put(`${contactsOf(user)}${uid}.vcf`, contact(uid, `Zoë or ${uid}`));
  }
}

async function fillByImap(server: CyrusServer, user: string): Promise<void> {
  await using admin = await server.imap();
  const make = async (folder: readonly string[], type: string, content?: string): Promise<void> => {
    const name = quoteImap(mailboxOf(server, user, folder));
    await admin.ok(`CREATE ${name} (TYPE ${type})`);
    if (content === undefined) return;
    await admin.ok(`SETACL ${name} admin lrswipkxtecda`);
    const kind = type === 'CALENDAR' ? 'text/calendar' : 'text/vcard';
    const header =
      `From: <${user}@example.net>\r\nSubject: ${folder.at(-1)}\r\nDate: Mon, 01 Jan 2024 10:00:00 +0000\r\n` +
      `Message-ID: <${folder.length}@example.net>\r\nMIME-Version: 1.0\r\nContent-Type: ${kind}; charset=utf-8\r\n` +
      'Content-Disposition: attachment; filename="lunch"\r\n\r\n';
    await admin.ok(`APPEND ${name} `, Buffer.from(header + content));
  };
  await make(['#calendars'], 'CALENDAR');
  for (const name of CALENDARS) await make(['#calendars', name], 'CALENDAR', event('lunch', name));
  await make(['#addressbooks'], 'ADDRESSBOOK');
  await make(['#addressbooks', ADDRESS_BOOK], 'ADDRESSBOOK', contact('bob', 'Bob'));
}

function eventsOf(user: string, calendar = 'Default'): string {
  return `calendars/user/${user}/${calendar}/`;
}

function contactsOf(user: string): string {
  return `addressbooks/user/${user}/${ADDRESS_BOOK}/`;
}

function event(uid: string, summary: string, ...more: readonly string[]): string {
  const lines = [
    'BEGIN:VCALENDAR',
    'VERSION:2.0',
    'PRODID:-//example.net//calendars//EN',
    'BEGIN:VEVENT',
    `UID:${uid}@example.net`,
    'DTSTAMP:20240101T000000Z',
    'DTSTART:20240102T100000Z',
    'DTEND:20240102T110000Z',
    `SUMMARY:${summary}`,
    ...more,
    'END:VEVENT',
    'END:VCALENDAR',
    '',
  ];
  return lines.join('\r\n');
}

function contact(uid: string, name: string): string {
  return ['BEGIN:VCARD', 'VERSION:3.0', `UID:${uid}`, `FN:${name}`, `N:${name};;;;`, 'END:VCARD', ''].join(
    '\r\n',
  );
}
