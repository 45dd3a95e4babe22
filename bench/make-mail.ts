/** Mail for bench stores: repeatable, made at disk speed, and about as compressible as the real thing. */

/** Octets of ready-made text and of ready-made base64, from which bodies are cut. */
const POOL = 1024 * 1024;
const WORDS =
  'the meeting of and please find attached report to in is you that it was for on are with as invoice his they at be this have from or had by project deadline hot but some what there we can out other were all your when up use word how said an each she which do their time if will way about many then them would write like so these her long make thing see him two has look more day could go come did my sound no most number who over know water than call first people may down side been now any new work part take get place made live where after back little only round man year came show every good me give our under name very through just form great think say help low line before turn cause same mean differ move right boy old too does tell sentence set three want air well also play small end put home read hand port large spell add even land here must big high such follow act why ask men change went light kind off need house picture try us again animal point mother world near build self earth father'.split(
    ' ',
  );
/** 2024-01-01 00:00 UTC. */
const EPOCH = 1_704_067_200;

/** mulberry32: the same numbers on every machine. */
export class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number from 0 up to, not including, `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * limit);
  }
}

const numbers = new Numbers(1);
const text = Buffer.alloc(POOL);
const base64 = Buffer.alloc(POOL);
fillPools();

function fillPools(): void {
  let at = 0;
  let column = 0;
  while (at < POOL) {
    const word = WORDS[numbers.below(WORDS.length)] ?? 'word';
    const end = column > 64 ? '\r\n' : ' ';
    column = end === ' ' ? column + word.length + 1 : 0;
    at += text.write(word + end, at, 'latin1') || POOL;
  }
  const random = Buffer.alloc(POOL);
  for (let i = 0; i + 4 <= POOL; i += 4) random.writeUInt32LE(numbers.below(2 ** 32), i);
  const lines = random.toString('base64').match(/.{1,76}/g) ?? [];
  base64.write(lines.join('\r\n'), 'latin1');
  // The end and the beginning of a pool meet in the middle of bodies.
  for (const pool of [text, base64]) pool.write('xx', POOL - 2);
}

/**
 * Octets of one message of ordinary mail: most are a few KiB of text, one in twenty has a large attachment. The mean is
 * about `MEAN_OCTETS`.
 */
export function ordinarySize(choices: Numbers): number {
  const kind = choices.below(100);
  if (kind < 70) return 1500 + choices.below(6000);
  if (kind < 95) return 8000 + choices.below(30_000);
  return 80_000 + choices.below(220_000);
}

export const MEAN_OCTETS = 19_200;

/** Sizes above this are mostly attachment. */
const TEXT_OCTETS = 8000;

/** @param number distinguishes this message from all others of the store */
export function makeMail(number: number, size: number): Buffer {
  const date = new Date((EPOCH + number * 60) * 1000).toUTCString().replace('GMT', '+0000');
  const multipart = size > TEXT_OCTETS;
  const type = multipart ? 'multipart/mixed; boundary="=-bound"' : 'text/plain; charset=us-ascii';
  const head = Buffer.from(
    [
      `Return-Path: <sender${number % 97}@mail.example>`,
      `Received: from relay${number % 7}.example by mx.example with ESMTP id ${number}; ${date}`,
      `Date: ${date}`,
      `From: Sender ${number % 97} <sender${number % 97}@mail.example>`,
      'To: Somebody <somebody@example.com>',
      `Subject: Message ${number} about the project`,
      `Message-ID: <${number}.bench@mail.example>`,
      'MIME-Version: 1.0',
      `Content-Type: ${type}`,
      '',
      ...(multipart ? ['--=-bound', 'Content-Type: text/plain', '', ''] : ['']),
    ].join('\r\n'),
    'latin1',
  );
  const parts = [head, cut(text, number, multipart ? 2000 : Math.max(100, size - head.length))];
  if (multipart) {
    const between =
      '\r\n--=-bound\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n';
    parts.push(Buffer.from(between), cut(base64, number, size - 2000), Buffer.from('\r\n--=-bound--\r\n'));
  }
  return Buffer.concat(parts);
}

function cut(pool: Buffer, number: number, octets: number): Buffer {
  const from = (number * 7919) % (POOL - 1);
  const first = pool.subarray(from, Math.min(POOL, from + octets));
  const whole = Buffer.concat([first, pool.subarray(0, octets - first.length)]);
  // Half a line end would be a bare one.
  if (whole[0] === 0x0a) whole[0] = 0x20;
  if (whole[octets - 1] === 0x0d) whole[octets - 1] = 0x20;
  return whole;
}
