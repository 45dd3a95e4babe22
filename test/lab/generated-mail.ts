import { createHash } from 'node:crypto';

/** A repeatable source of choices: the same seed gives the same mail on every machine. */
export class Choices {
  #state: number;

  constructor(seed: string) {
    this.#state = createHash('sha256').update(seed).digest().readUInt32LE(0);
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    return Math.floor(this.fraction() * limit);
  }

  /** From 0 up to, not including, 1 (mulberry32). */
  fraction(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  pick<T>(from: readonly T[]): T {
    const found = from[this.below(from.length)];
    if (found === undefined) throw new Error('nothing to choose from');
    return found;
  }
}

export interface MailOptions {
  seed: string;
  to: string;
  /** Seconds since 1970 of the Date header. */
  date: number;
  subject?: string;
  /** Message-IDs of the thread, oldest first. */
  references?: readonly string[];
}

export interface GeneratedMail {
  messageId: string;
  subject: string;
  bytes: Buffer;
}

const PEOPLE = [
  'Anna Åkerström',
  'Bob Miller',
  'Chiara Rossi',
  'Dmitri Wolkow',
  'Eva Müller',
  '田中 太郎',
  'Zoë Smith',
];
const TOPICS = [
  'Minutes of the meeting',
  'Re: offer for the new roof',
  'Räksmörgås on Friday?',
  'Invoice 2024-117',
  'Holiday photographs',
  'Ärende 4711: password',
  '会議の議事録',
  'Backup report',
  'Lunch',
  'Fwd: timetable',
];
const WORDS =
  `the of and a to in is you that it he was for on are as with his they at be this have from or had by word but what
some we can out other were all there when up use your how said an each she which do their time if will way about many
then them write would like so these her long make thing see him two has look more day could go come did number sound
people over water side been call first who now find any new work part take get place made live where after back little
only round man year came show every good give under name very through just form sentence great think say help low line
smörgås Brücke façade naïve Straße déjà café`.split(/\s+/);

/** One message of realistic shape: plain text, quoted replies, a multipart now and then, 8-bit text, long lines. */
export function generateMail(options: MailOptions): GeneratedMail {
  const choices = new Choices(options.seed);
  const subject = options.subject ?? choices.pick(TOPICS);
  const hash = createHash('sha256').update(options.seed).digest('hex');
  const messageId = `<${hash.slice(0, 20)}@mail.example>`;
  const headers = [
    `Return-Path: <sender${choices.below(40)}@mail.example>`,
    `Received: from relay${choices.below(9)}.example by mx.example; ${mailDate(options.date)}`,
    `Date: ${mailDate(options.date)}`,
    `From: ${encodedWord(choices.pick(PEOPLE))} <sender${choices.below(40)}@mail.example>`,
    `To: <${options.to.includes('@') ? options.to : `${options.to}@example.com`}>`,
    `Subject: ${encodedWord(subject)}`,
    `Message-ID: ${messageId}`,
  ];
  const references = options.references ?? [];
  if (references.length > 0) {
    headers.push(`In-Reply-To: ${references.at(-1)}`, `References: ${references.join('\r\n ')}`);
  }
  headers.push('MIME-Version: 1.0');
  const text = paragraphs(choices);
  const kind = choices.below(8);
  if (kind === 0) {
    const boundary = `=_${hash.slice(20, 40)}`;
    const attachment = Buffer.from(Array.from({ length: 60 + choices.below(400) }, () => choices.below(256)));
    const part = (type: string, body: string) => `--${boundary}\r\n${type}\r\n\r\n${body}\r\n`;
    headers.push(`Content-Type: multipart/mixed; boundary="${boundary}"`);
    const parts = [
      part('Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit', text),
      part(
        'Content-Type: application/octet-stream; name="data.bin"\r\nContent-Transfer-Encoding: base64',
        attachment.toString('base64').replace(/.{76}/g, '$&\r\n'),
      ),
    ];
    return mail(messageId, subject, headers, `${parts.join('')}--${boundary}--\r\n`);
  }
  headers.push('Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit');
  if (kind === 1) return mail(messageId, subject, headers, '');
  if (kind === 2) return mail(messageId, subject, headers, text.replaceAll('\r\n', ' '));
  return mail(messageId, subject, headers, text);
}

/** `Mon, 01 Jan 2024 10:00:00 +0000` */
function mailDate(seconds: number): string {
  return new Date(seconds * 1000).toUTCString().replace('GMT', '+0000');
}

/** `"01-Jan-2024 10:00:00 +0000"`, as APPEND takes it. */
export function imapDate(seconds: number): string {
  const [, day = '', month = '', year = '', time = ''] = new Date(seconds * 1000).toUTCString().split(' ');
  return `"${day}-${month}-${year} ${time} +0000"`;
}

function mail(messageId: string, subject: string, headers: readonly string[], body: string): GeneratedMail {
  return { messageId, subject, bytes: Buffer.from(`${headers.join('\r\n')}\r\n\r\n${body}`) };
}

function paragraphs(choices: Choices): string {
  const blocks = Array.from({ length: 1 + choices.below(4) }, () => {
    const quoted = choices.below(4) === 0 ? '> ' : '';
    const lines = Array.from({ length: 1 + choices.below(5) }, () => {
      const words = Array.from({ length: 4 + choices.below(9) }, () => choices.pick(WORDS));
      return `${quoted}${words.join(' ')}`;
    });
    return `${lines.join('\r\n')}\r\n`;
  });
  return blocks.join('\r\n');
}

function encodedWord(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: everything outside ASCII needs an encoded word.
  if (/^[\x00-\x7f]*$/.test(text)) return text;
  return `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`;
}
