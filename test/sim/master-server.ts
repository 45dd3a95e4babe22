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

/** Milliseconds that each command takes: on the same host, but not nothing. */
const COMMAND_MS = 1;

/** A session with the master's own server in a merge: it obeys as Cyrus does (protocol 8). */
export function masterServer(store: MemoryStore, onChange: (name: ByteString) => void): MasterSession {
  const staged = new Map<string, Buffer>();
  const session = {
    info: { server: 'the master', exposure: undefined },
    broken: false,
    window: async () => undefined,
    noop: () => pause(COMMAND_MS),
    restart: async () => {
      await pause(COMMAND_MS);
      staged.clear();
    },
    exit: async () => undefined,
    destroy: () => undefined,
    applyReserve: async (_partition: ByteString, _folders: unknown, guids: readonly string[]) => {
      await pause(COMMAND_MS);
      return new Set(guids.filter((guid) => !store.hasContent(guid)));
    },
    applyMessages: async (messages: readonly MessageUpload[]) => {
      await pause(COMMAND_MS);
      for (const { guid, content } of messages) {
        if (!Buffer.isBuffer(content)) throw new Error('no message of a simulation is that large');
        staged.set(guid, Buffer.from(content));
      }
    },
    applyMailbox: async (line: WireMailbox, records: Iterable<WireRecord>) => {
      const all = [...records];
      await pause(COMMAND_MS);
      const view = await store.readMailbox(line.name, ({ state, entry }) => ({ state, entry }));
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
      for (const { guid, flags } of all) {
        const content = staged.get(guid);
        if (content) store.putContent(guid, content);
        else if (!store.hasContent(guid) && !flags.includes('\\Expunged')) {
          throw new Error(`the master's server would have died: ${guid} of ${line.name} was not staged`);
        }
      }
      store.apply(line, all);
      onChange(line.name);
    },
    getMailboxes: async (names: readonly ByteString[]) => {
      await pause(COMMAND_MS);
      const found = await Promise.all(
        [...names]
          .sort(compareBytes)
          .map((name) =>
            store.readMailbox(name, ({ entry, state, annotations }) => ({ ...state, ...entry, annotations })),
          ),
      );
      return found.filter((mailbox) => mailbox !== undefined);
    },
  };
  return session as unknown as MasterSession;
}

function refused(
  code: 'IMAP_SYNC_CHANGED' | 'IMAP_SYNC_CHECKSUM' | 'IMAP_MAILBOX_MOVED' | 'IMAP_MAILBOX_NONEXISTENT',
  mailbox: ByteString,
): SyncError {
  return new SyncError(code, `${mailbox}: refused`, { family: 'refused', mailbox });
}
