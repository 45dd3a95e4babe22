import { setTimeout as pause } from 'node:timers/promises';
import { type ByteString, compareBytes } from '../../src/byte-string.ts';
import type {
  MasterSession,
  MessageUpload,
  WireMailbox,
  WireRecord,
} from '../../src/protocol/replica-session.ts';
import { SyncError } from '../../src/report/sync-error.ts';
import type { MemoryStore } from '../lab/memory-store.ts';
import { type LockTable, OURS } from './lock-table.ts';
import { workOn } from './work-on.ts';

/** Milliseconds that each command takes: on the same host, but not nothing. */
const COMMAND_MS = 1;

let servers = 0;

export interface MasterServerSite {
  store: MemoryStore;
  locks: LockTable;
  /** Tells before a command, and again before its answer, whether the server is gone by now. */
  isLost: () => boolean;
  onChange: (name: ByteString) => void;
}

/** A session with the master's own server in a merge: it obeys as Cyrus does (protocol 8), under Cyrus's locks. */
export function masterServer({ store, locks, isLost, onChange }: MasterServerSite): MasterSession {
  const staged = new Map<string, Buffer>();
  const process = `sync_server ${++servers}`;
  let broken = false;
  const stand = (): void => {
    broken ||= isLost();
    if (broken) throw new SyncError('LINK_BROKEN', 'the server is gone', { family: 'link', retryable: true });
  };
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other, as a process does them. */
  const command = async <T>(work: () => Promise<T> | T): Promise<T> => {
    const answer = last.then(() => execute(work));
    last = answer.catch(() => undefined);
    using _ = locks.awaits(OURS, process);
    return await answer;
  };
  const execute = async <T>(work: () => Promise<T> | T): Promise<T> => {
    await pause(COMMAND_MS);
    stand();
    const result = await work();
    stand();
    return result;
  };
  const apply = (line: WireMailbox, records: readonly WireRecord[]): void => {
    const view = store.view(line.name);
    if (!view) throw refused('IMAP_MAILBOX_NONEXISTENT', line.name);
    const { state, entry } = view;
    if (entry.uniqueid !== line.uniqueid) throw refused('IMAP_MAILBOX_MOVED', line.name);
    const { since } = line;
    if (since && (since.modseq !== state.highestmodseq || since.crcBasic !== state.crcBasic)) {
      throw refused('IMAP_SYNC_CHANGED', line.name);
    }
    const isLower =
      line.highestmodseq < state.highestmodseq ||
      line.lastUid < state.lastUid ||
      line.uidvalidity < state.uidvalidity;
    if (isLower) throw refused('IMAP_SYNC_CHECKSUM', line.name);
    for (const { guid, flags } of records) {
      const content = staged.get(guid);
      if (content) store.putContent(guid, content);
      else if (!store.hasContent(guid) && !flags.includes('\\Expunged')) {
        throw new Error(`the master's server would have died: ${guid} of ${line.name} was not staged`);
      }
    }
    store.apply(line, records);
    onChange(line.name);
    const isOther = (): boolean =>
      line.crcBasic !== 0 && line.crcBasic !== store.view(line.name)?.state.crcBasic;
    if (!isOther()) return;
    store.countChecksum(line.name);
    if (isOther()) throw refused('IMAP_SYNC_CHECKSUM', line.name);
  };
  const session = {
    info: { server: 'the master', exposure: undefined },
    get broken() {
      return broken;
    },
    window: async () => undefined,
    noop: () => command(() => undefined),
    restart: () => command(() => staged.clear()),
    exit: async () => undefined,
    destroy: () => undefined,
    applyReserve: (_partition: ByteString, _folders: unknown, guids: readonly string[]) =>
      command(() => new Set(guids.filter((guid) => !store.hasContent(guid)))),
    applyMessages: (messages: readonly MessageUpload[]) =>
      command(() => {
        for (const { guid, content } of messages) {
          if (!Buffer.isBuffer(content)) throw new Error('no message of a simulation is that large');
          staged.set(guid, Buffer.from(content));
        }
      }),
    applyMailbox: (line: WireMailbox, records: Iterable<WireRecord>) => {
      const all = [...records];
      return command(() => workOn(locks, store, 'sync_server', line.name, () => apply(line, all), process));
    },
    getMailboxes: (names: readonly ByteString[]) =>
      command(() =>
        [...names].sort(compareBytes).flatMap((name) => {
          const view = store.view(name);
          return view ? [{ ...view.state, ...view.entry, annotations: view.annotations }] : [];
        }),
      ),
  };
  return session as unknown as MasterSession;
}

function refused(
  code: 'IMAP_SYNC_CHANGED' | 'IMAP_SYNC_CHECKSUM' | 'IMAP_MAILBOX_MOVED' | 'IMAP_MAILBOX_NONEXISTENT',
  mailbox: ByteString,
): SyncError {
  return new SyncError(code, `${mailbox}: refused`, { family: 'refused', mailbox });
}
