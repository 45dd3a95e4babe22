import { encodeFlags, encodeKvlist, encodeList, encodeString } from '../../../src/protocol/dlist/encode.ts';
import { DlistParser } from '../../../src/protocol/dlist/parser.ts';

/** How long it takes to write and to read a FULLMAILBOX answer of 100,000 records with their virtual annotations. */

const RECORDS = 100_000;
const CHUNK_OCTETS = 64 * 1024;

function annotation(entry: string, value: string): string {
  return encodeKvlist([
    ['ENTRY', encodeString(`/vendor/cmu/cyrus-imapd/${entry}`)],
    ['USERID', '""'],
    ['MODSEQ', '0'],
    ['VALUE', encodeString(value)],
  ]);
}

const started = performance.now();
let text = '%(UNIQUEID c2etoipyq4tabaj47bfstu7g MBOXNAME user.alice RECORD (';
for (let uid = 1; uid <= RECORDS; uid++) {
  if (uid > 1) text += ' ';
  text += encodeKvlist([
    ['UID', String(uid)],
    ['MODSEQ', String(uid + 3)],
    ['LAST_UPDATED', '1795479543'],
    ['FLAGS', encodeFlags(['\\Seen', '$Label1'])],
    ['INTERNALDATE', '1795479543'],
    ['SIZE', '12345'],
    ['GUID', uid.toString(16).padStart(40, 'a')],
    [
      'ANNOTATIONS',
      encodeList([
        annotation('thrid', uid.toString(16).padStart(16, '4')),
        annotation('savedate', '1795479543'),
        annotation('createdmodseq', String(uid + 3)),
      ]),
    ],
  ]);
}
const octets = Buffer.from(`${text}))\r\n`, 'latin1');
const encoded = performance.now();
let seen = 0;
const parser = new DlistParser({ streamKey: 'RECORD', onItem: () => seen++ });
for (let at = 0; at < octets.length && !parser.done; at += CHUNK_OCTETS) {
  parser.push(octets.subarray(at, at + CHUNK_OCTETS));
}
const parsed = performance.now();
const megabytes = octets.length / 1e6;
console.log(`${megabytes.toFixed(1)} MB, ${seen} records`);
console.log(
  `encode ${(encoded - started).toFixed(0)} ms, ${(megabytes / ((encoded - started) / 1e3)).toFixed(0)} MB/s`,
);
console.log(
  `parse ${(parsed - encoded).toFixed(0)} ms, ${(megabytes / ((parsed - encoded) / 1e3)).toFixed(0)} MB/s`,
);
