import type { ByteString } from '../byte-string.ts';
import { giveUpMessages } from '../protocol/give-up-messages.ts';
import type {
  MessageUpload,
  ReplicaSession,
  SessionInfo,
  WireMailbox,
  WireRecord,
} from '../protocol/replica-session.ts';
import { type MasterWriter, Stage } from '../replicate/engine.ts';
import { SyncError } from '../report/sync-error.ts';
import type { Part } from './plan-record.ts';
import type { PlanningStore } from './planning-store.ts';

/** The commands that a merge has for the master's server, and no others. */
type MergeCommands = Pick<
  ReplicaSession,
  'info' | 'window' | 'applyReserve' | 'applyMessages' | 'applyMailbox' | 'restart'
>;

/** Nobody asks it to move scripts: files of an old master go one by one then, as they do to a server that cannot. */
const INFO: SessionInfo = {
  server: 'the master',
  flavour: 'csync',
  banner: '',
  mechanism: undefined,
  tls: false,
  exposure: undefined,
  compression: false,
  keepsWhatIsEnabled: false,
  sieveMailbox: false,
  stagesToArchive: false,
  checksSince: true,
  longestName: Number.MAX_SAFE_INTEGER,
  listsIntermediates: true,
  takesKeywords: false,
  takesNotifications: true,
  takesGroups: false,
  takesDevelopmentFields: false,
  unmailboxTakesId: false,
  unuserTakesDeleted: false,
  findsUniqueids: true,
};

/** The master's own server as a merge would use it. None is started: what it would be told is noted, and counts as done. */
export class PlanningMaster implements MasterWriter {
  readonly #store: PlanningStore;
  readonly #parts = new Map<ByteString, Part>();
  #link: { session: ReplicaSession; stage: Stage } | undefined;

  constructor(store: PlanningStore) {
    this.#store = store;
  }

  async connect(): Promise<{ session: ReplicaSession; stage: Stage }> {
    if (!this.#link) {
      const session = this.#session();
      this.#link = { session, stage: new Stage(session) };
    }
    return this.#link;
  }

  async close(): Promise<void> {}

  /** Nothing is ever waited for. */
  cut(): void {}

  /** The messages that a merge would bring to a mailbox of the master; forgotten with the answer. */
  takePart(name: ByteString): Part | undefined {
    const part = this.#parts.get(name);
    this.#parts.delete(name);
    return part;
  }

  #session(): ReplicaSession {
    const sizes = new Map<string, number>();
    const commands: MergeCommands = {
      info: INFO,
      window: async () => {},
      applyReserve: (_partition, folders, guids) => this.#lacking(folders, guids),
      applyMessages: async (messages: readonly MessageUpload[]) => {
        for (const { guid, size } of messages) sizes.set(guid, size);
        giveUpMessages(messages);
      },
      applyMailbox: async (line: WireMailbox, records: Iterable<WireRecord>) => {
        this.#parts.set(line.name, partOf([...records], sizes));
        this.#store.merge(line);
      },
      restart: async () => sizes.clear(),
    };
    return nothingElse(commands);
  }

  async #lacking(folders: readonly ByteString[], guids: readonly string[]): Promise<Set<string>> {
    const lacking = new Set(guids);
    for (const name of folders) {
      const there = await this.#store.readMailbox(name, (mailbox) => {
        const found: string[] = [];
        for (const page of mailbox.pages()) {
          for (let i = 0; i < page.count; i++) {
            if (!page.unlinked(i) && lacking.has(page.guid(i))) found.push(page.guid(i));
          }
        }
        return found;
      });
      for (const guid of there ?? []) lacking.delete(guid);
    }
    return lacking;
  }
}

function partOf(records: readonly WireRecord[], sizes: Map<string, number>): Part {
  const part: Part = { records: records.length, messages: 0, octets: 0 };
  for (const { guid } of records) {
    const size = sizes.get(guid);
    if (size === undefined) continue;
    sizes.delete(guid);
    part.messages += 1;
    part.octets += size;
  }
  return part;
}

/** Whoever asks for more has changed the engine, and not this. */
function nothingElse(commands: MergeCommands): ReplicaSession {
  return new Proxy(commands as ReplicaSession, {
    get(target, key) {
      if (Object.hasOwn(target, key)) return Reflect.get(target, key);
      return () => Promise.reject(new SyncError('BUG', `a plan asks the master's server for ${String(key)}`));
    },
  });
}
