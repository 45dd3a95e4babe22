import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { SandboxOptions } from '../../src/sandbox/options.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/start-sandbox.ts';
import { type Answer, ScriptClient } from './script-client.ts';

export const USER = 'replication';
export const PASSWORD = 'pa=ss,word';

/** A sandbox in a directory of its own, on a free port, with one client that is logged in. */
export async function withSandbox(
  options: Partial<SandboxOptions>,
  use: (client: ScriptClient, sandbox: Sandbox, log: string[]) => Promise<void>,
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'sandbox-'));
  const log: string[] = [];
  try {
    await using sandbox = await startSandbox({
      directory,
      listen: { host: '127.0.0.1', port: 0 },
      user: USER,
      password: PASSWORD,
      log: (line) => log.push(line),
      ...options,
    });
    await using client = await ScriptClient.login(sandbox.address, USER, PASSWORD);
    await use(client, sandbox, log);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

export interface TestRecord {
  uid: number;
  modseq: number;
  guid: string;
  size?: number;
  flags?: string[];
  lastUpdated?: number;
  internaldate?: number;
  annotations?: { entry: string; userid?: string; modseq?: number; value: string }[];
}

export interface TestMailbox {
  name: string;
  uniqueid: string;
  highestmodseq: number;
  lastUid: number;
  records: TestRecord[];
  uidvalidity?: number;
  partition?: string;
  type?: string;
  acl?: string;
  crc?: [basic: number, annotations: number];
  since?: [modseq: number, basic: number, annotations: number];
  extra?: string;
}

export function guidOf(content: Buffer | string): string {
  return createHash('sha1').update(content).digest('hex');
}

/** `APPLY MAILBOX %(...)` as the C client writes it. */
export function mailboxCommand(mailbox: TestMailbox): string {
  const { name, uniqueid, highestmodseq, lastUid, uidvalidity = 7, partition = 'default' } = mailbox;
  const fields = [`UNIQUEID ${uniqueid} MBOXNAME ${name}`];
  if (mailbox.type !== undefined) fields.push(`MBOXTYPE ${mailbox.type}`);
  if (mailbox.crc !== undefined) fields.push(`SYNC_CRC ${mailbox.crc[0]} SYNC_CRC_ANNOT ${mailbox.crc[1]}`);
  fields.push(
    `LAST_UID ${lastUid} HIGHESTMODSEQ ${highestmodseq} RECENTUID 0 RECENTTIME 0 LAST_APPENDDATE 0`,
  );
  fields.push(`POP3_LAST_LOGIN 0 UIDVALIDITY ${uidvalidity} PARTITION ${partition}`);
  fields.push(`ACL "${mailbox.acl ?? 'anna\tlrswipkxtecdan\t'}" OPTIONS P`);
  if (mailbox.extra !== undefined) fields.push(mailbox.extra);
  if (mailbox.since !== undefined) {
    const [modseq, basic, annotations] = mailbox.since;
    fields.push(`SINCE_MODSEQ ${modseq} SINCE_CRC ${basic} SINCE_CRC_ANNOT ${annotations}`);
  }
  return `APPLY MAILBOX %(${fields.join(' ')} RECORD (${mailbox.records.map(recordText).join(' ')}))`;
}

function recordText(record: TestRecord): string {
  const { uid, modseq, guid, size = 1, flags = [], lastUpdated = 1, internaldate = 1 } = record;
  const annotations = (record.annotations ?? []).map(
    (each) =>
      `%(ENTRY ${each.entry} USERID "${each.userid ?? ''}" MODSEQ ${each.modseq ?? 0} VALUE {${each.value.length}+}\r\n${each.value})`,
  );
  const tail = annotations.length === 0 ? '' : ` ANNOTATIONS (${annotations.join(' ')})`;
  const start = `%(UID ${uid} MODSEQ ${modseq} LAST_UPDATED ${lastUpdated} FLAGS (${flags.join(' ')})`;
  return `${start} INTERNALDATE ${internaldate} SIZE ${size} GUID ${guid}${tail})`;
}

/** APPLY MESSAGE with these contents. */
export async function upload(
  client: ScriptClient,
  contents: readonly (Buffer | string)[],
  partition = 'default',
): Promise<Answer> {
  const parts: (string | Buffer)[] = ['APPLY MESSAGE ('];
  for (const [index, content] of contents.entries()) {
    const octets = Buffer.from(content as string);
    parts.push(`${index > 0 ? ' ' : ''}%{${partition} ${guidOf(content)} ${octets.length}}\r\n`, octets);
  }
  return await client.say(...parts, ')');
}

/** Sync CRCs written down a second time, plainly, from their definition (protocol 13). */
export function expectedCrc(records: readonly TestRecord[]): [basic: number, annotations: number] {
  let basic = 0;
  let annotations = 12345678;
  for (const record of records) {
    const { uid, modseq, guid, flags = [], lastUpdated = 1, internaldate = 1 } = record;
    if (flags.includes('\\Expunged')) continue;
    let flagCrc = 0;
    for (const flag of flags) flagCrc ^= crc32(flag.toLowerCase());
    basic ^= crc32(`${uid} ${modseq} ${lastUpdated} (${flagCrc >>> 0}) ${internaldate} ${guid}`);
    for (const { entry, userid = '', value } of record.annotations ?? []) {
      annotations ^= crc32(`${uid} ${entry} ${userid} ${value}`);
    }
  }
  return [basic >>> 0, annotations >>> 0];
}
