import assert from 'node:assert/strict';
import test from 'node:test';
import type { EngineContext } from '../../../src/replicate/connection/engine-context.ts';
import { Stage } from '../../../src/replicate/connection/stage.ts';
import { runUser } from '../../../src/replicate/jobs/run-user.ts';
import { SyncError } from '../../../src/report/sync-error.ts';
import { EngineScene } from '../../lab/engine-scene.ts';

/** A claim that is kept for ever stops every later user of the connection, once the budget or a RESTART is waited for. */
class WatchedStage extends Stage {
  kept = 0;
  taken = 0;

  override async hold(): Promise<Disposable> {
    return this.#watch(await super.hold());
  }

  override async budget(records: number): Promise<Disposable> {
    return this.#watch(await super.budget(records));
  }

  #watch(claim: Disposable): Disposable {
    this.taken += 1;
    this.kept += 1;
    let isKept = true;
    return {
      [Symbol.dispose]: () => {
        if (isKept) this.kept -= 1;
        isKept = false;
        claim[Symbol.dispose]();
      },
    };
  }
}

async function watched(
  scene: EngineScene,
  changes: Partial<EngineContext> = {},
): Promise<{ context: EngineContext; stage: WatchedStage }> {
  const context = await scene.context(changes);
  const stage = new WatchedStage(context.session);
  return { context: { ...context, stage }, stage };
}

const damage = new SyncError('MAILBOX_DAMAGED', 'cyrus.index: damaged');
const WORK = { on: 'APPLY MAILBOX', mailbox: 'user.anna.Work' } as const;

interface Case {
  what: string;
  spoil(scene: EngineScene): void;
  /** The replica has what there was before the last message. */
  secondRun?: boolean;
  end: string;
}

const CASES: Case[] = [
  { what: 'everything goes well', spoil: () => undefined, end: 'synced' },
  { what: 'there is nothing to do', spoil: () => undefined, secondRun: true, end: 'synced' },
  {
    what: 'a mailbox is refused',
    spoil: ({ replica }) => void replica.inject({ ...WORK, times: 9, do: 'no' }),
    end: 'IMAP_REMOTE_DENIED',
  },
  {
    what: 'a step in the middle is refused',
    spoil: ({ replica }) =>
      void replica.inject({ ...WORK, mailbox: 'user.anna', nth: 3, times: 9, do: 'no' }),
    end: 'IMAP_REMOTE_DENIED',
  },
  {
    what: 'somebody else goes on changing the mailbox',
    spoil: ({ replica }) =>
      void replica.inject({ ...WORK, times: 9, do: 'no', text: 'IMAP_SYNC_CHANGED Changed since last sync' }),
    end: 'IMAP_SYNC_CHANGED',
  },
  {
    what: 'the two sides are merged',
    secondRun: true,
    spoil: ({ replica, master }) => {
      master.append('user.anna.Work', 'another');
      replica.inject({ ...WORK, do: 'no', text: 'IMAP_SYNC_CHECKSUM Checksum Failure' });
    },
    end: 'synced',
  },
  {
    what: 'a mailbox is damaged',
    spoil: ({ master }) => void master.damaged.set('user.anna.Work', damage),
    end: 'MAILBOX_DAMAGED',
  },
  {
    what: 'a message cannot be read',
    spoil: ({ master }) => void master.unreadable.set('user.anna.Work', damage),
    end: 'MAILBOX_DAMAGED',
  },
  {
    what: 'the connection breaks',
    spoil: ({ replica }) => void replica.inject({ ...WORK, do: 'cut-before' }),
    end: 'LINK_BROKEN',
  },
  {
    what: 'the connection breaks during an upload',
    spoil: ({ replica }) => void replica.inject({ on: 'APPLY MESSAGE', nth: 2, do: 'cut-before' }),
    end: 'LINK_BROKEN',
  },
];

for (const { what, spoil, secondRun, end } of CASES) {
  test(`no claim of the stage is kept when ${what}`, async () => {
    await using scene = await EngineScene.start();
    scene.options = { ...scene.options, batchSize: 3 };
    const messages = Array.from({ length: 10 }, (_, i) => `message ${i}`);
    scene.master.addUser('anna', ['Sent', 'Work', 'Work.Old'], { messages });
    if (secondRun) await scene.runUser('anna');
    spoil(scene);
    const { context, stage } = await watched(scene);
    const found = await runUser(context, 'anna').catch((caught: unknown) => SyncError.from(caught).code);
    assert.equal(found, end);
    assert.ok(stage.taken > 0 || secondRun);
    assert.equal(stage.kept, 0);
  });
}
