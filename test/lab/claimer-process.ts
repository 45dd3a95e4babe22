import { appendFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { gatesOf } from '../../src/fleet/queue/fleet-queue.ts';
import { openQueue } from '../../src/fleet/queue/open-queue.ts';
import { type ClaimerSettings, readJournal } from './claim-in-processes.ts';
import { until } from './until.ts';

/** Milliseconds that a slice is held, at most: what is wanted is that many meet at the gates. */
const MOST_HELD = 20;

// Started by `claim-in-processes.ts`: writes down when it has a slice and when it lets go.
const settings: ClaimerSettings = JSON.parse(process.argv[2] ?? '');
await using queue = await openQueue(settings.queue, settings.fleet, settings.rules);
const name = `claimer-${process.pid}`;

await Promise.all(Array.from({ length: settings.claimers }, () => claimAll()));

async function claimAll(): Promise<void> {
  for (;;) {
    const claim = await queue.claim(settings.pairings, name);
    if (claim) {
      const { id } = claim.slice;
      const gates = gatesOf(claim.slice);
      appendFileSync(settings.journal, `+ ${id} ${gates.join(' ')}\n`);
      await wait(Math.random() * MOST_HELD);
      // Renewed meanwhile: on a busy machine the other may come after a whole lease.
      if (gates.includes(settings.meeting))
        await until('two are inside', async () => (await claim.renew()) && haveMet());
      appendFileSync(settings.journal, `- ${id} ${gates.join(' ')}\n`);
      const now = Date.now();
      await claim.finish({ agent: name, began: now, ended: now, users: [] });
    } else if ((await queue.left(settings.pairings)) === 0) return;
    else await wait(1);
  }
}

async function haveMet(): Promise<boolean> {
  const { most } = await readJournal(settings.journal);
  return (most.get(settings.meeting) ?? 0) > 1;
}
