import type { ByteString } from '../../byte-string.ts';
import type { ReplicaUser } from '../../protocol/replica-session.ts';
import type { EngineContext } from '../connection/engine-context.ts';
import type { Failures } from '../outcomes/failures.ts';
import { compiledName, planSieve } from './plan-sieve.ts';

/**
 * Sends scripts to a replica that does not replicate `#sieve` as a mailbox. It takes three steps, because each builds on
 * the one before: a script that was refused cannot become active, and what is active meanwhile has to stay, or mail would
 * go unfiltered.
 */
export async function sendSieve(
  { session, store, emit }: Pick<EngineContext, 'session' | 'store' | 'emit'>,
  userid: ByteString,
  replica: ReplicaUser,
  failures: Failures,
): Promise<void> {
  const ours = await failures.read('sieve', () => store.sieve(userid), undefined);
  if (ours === undefined) return;
  const { upload, activate, remove } = planSieve(ours, replica.sieve);
  const refused = new Set(upload.map(({ filename }) => compiledName(filename)));
  await failures.each('sieve', session, upload, async ({ filename, lastUpdate, content }) => {
    emit({ kind: 'command:sieve', user: userid, filename });
    await session.applySieve(userid, filename, lastUpdate, content);
    refused.delete(compiledName(filename));
  });
  let activeStays = false;
  if (activate !== undefined) {
    const activated = !refused.has(activate) && (await failures.all('sieve', [setActive(activate)]));
    activeStays = !activated;
  }
  const active = replica.sieve.find((item) => item.active)?.filename;
  const removable = remove.filter((filename) => !activeStays || compiledName(filename) !== active);
  await failures.each('sieve', session, removable, (filename) => {
    emit({ kind: 'command:unsieve', user: userid, filename });
    return session.applyUnsieve(userid, filename);
  });

  function setActive(filename: ByteString): Promise<void> {
    if (filename !== '') {
      emit({ kind: 'command:activate-sieve', user: userid, filename });
      return session.applyActivateSieve(userid, filename);
    }
    emit({ kind: 'command:unactivate-sieve', user: userid });
    return session.applyUnactivateSieve(userid);
  }
}
