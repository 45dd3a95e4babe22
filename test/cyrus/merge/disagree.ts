import type { Disagreement } from '../../lab/disagreements.ts';
import { syncClientOk } from '../../lab/sync-client.ts';
import { BASE, nextSecond, type Sides } from '../../lab/two-sides.ts';

/** One user for each, so that one run shows them all. */
export function usersOf(disagreements: readonly Disagreement[]): string[] {
  return disagreements.map((_, index) => `d${index}`);
}

/** The users' mailboxes on the master, copied to the replica. */
export async function startAlike(
  { pair, master }: Sides,
  disagreements: readonly Disagreement[],
): Promise<void> {
  for (const user of usersOf(disagreements)) await master.create(`user/${user}`, BASE);
  await syncClientOk(pair.master, ['-A']);
}

export async function disagree(sides: Sides, disagreements: readonly Disagreement[]): Promise<void> {
  const users = usersOf(disagreements);
  // What the first copy dated must not look as late as what follows.
  await nextSecond();
  for (const [index, { provoke }] of disagreements.entries()) await provoke(sides, users[index] ?? '');
  await nextSecond();
  for (const [index, { provokeLater }] of disagreements.entries()) {
    await provokeLater?.(sides, users[index] ?? '');
  }
}
