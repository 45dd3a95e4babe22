import { DlistParser } from '../../src/protocol/dlist/parser.ts';
import type { WireRecord } from '../../src/protocol/replica-session.ts';
import { encodeMailbox } from '../../src/protocol/session/mailbox-lines.ts';
import { decodeRecord } from '../../src/protocol/session/records.ts';
import { wireMailbox } from '../../test/lab/wire-mailbox.ts';

/** 100,000 records with flags and the three virtual annotations: as APPLY MAILBOX, and read back as FULLMAILBOX. */

const RECORDS = 100_000;
const CHUNK_OCTETS = 64 * 1024;
const VIRTUAL = '/vendor/cmu/cyrus-imapd/';

function* records(): Generator<WireRecord> {
  for (let uid = 1; uid <= RECORDS; uid++) {
    const virtual = (name: string, value: string) => ({
      entry: VIRTUAL + name,
      userid: '',
      modseq: 0,
      value,
    });
    yield {
      uid,
      modseq: uid + 3,
      lastUpdated: 1795479543,
      flags: ['\\Seen', '$Label1'],
      internaldate: 1795479543,
      size: 12345,
      guid: uid.toString(16).padStart(40, 'a'),
      annotations: [
        virtual('thrid', uid.toString(16).padStart(16, '4')),
        virtual('savedate', '1795479543'),
        virtual('createdmodseq', String(uid + 3)),
      ],
    };
  }
}

/** Processor time, so that a busy machine does not distort the figures; garbage collection included. */
function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const mailbox = wireMailbox('user.alice', {
  crcBasic: 1,
  crcAnnotations: 2,
  lastUid: RECORDS,
  highestmodseq: RECORDS + 3,
});

for (let round = 1; round <= 3; round++) {
  const ready = [...records()];
  const started = cpuMilliseconds();
  const pieces: Buffer[] = [];
  for (const piece of encodeMailbox(mailbox, ready)) pieces.push(Buffer.from(piece, 'latin1'));
  const encoded = cpuMilliseconds();
  const octets = Buffer.concat(pieces).subarray('MAILBOX '.length);
  const chunks: Buffer[] = [];
  for (let at = 0; at < octets.length; at += CHUNK_OCTETS)
    chunks.push(octets.subarray(at, at + CHUNK_OCTETS));
  const begun = cpuMilliseconds();
  const parser = new DlistParser();
  for (const chunk of chunks) parser.push(chunk);
  parser.take();
  const parsed = cpuMilliseconds();
  let uids = 0;
  parser.reset({ streamKey: 'RECORD', onItem: (item) => (uids += decodeRecord(item).uid) });
  for (const chunk of chunks) parser.push(chunk);
  const decoded = cpuMilliseconds();
  const megabytes = octets.length / 1e6;
  const rate = (milliseconds: number): string =>
    `${milliseconds.toFixed(0)} ms (${(megabytes / (milliseconds / 1000)).toFixed(0)} MB/s)`;
  console.log(
    `round ${round}: ${megabytes.toFixed(1)} MB; encode ${rate(encoded - started)}; parse whole ${rate(parsed - begun)};` +
      ` parse and decode streamed ${rate(decoded - parsed)}; ${uids === (RECORDS * (RECORDS + 1)) / 2 ? 'all there' : 'LOST'}`,
  );
}
