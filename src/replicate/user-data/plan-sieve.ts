import type { ByteString } from '../../byte-string.ts';
import type { ReplicaSieve } from '../../protocol/replica-session.ts';
import type { SieveScript, SieveState } from '../../store/master-store.ts';

export interface SievePlan {
  upload: SieveScript[];
  remove: ByteString[];
  /** `name.bc` to activate, or '' to deactivate whatever is active; undefined = as it should be. */
  activate: ByteString | undefined;
}

/**
 * Plans SIEVE commands for a replica that does not take `#sieve` as a mailbox (algorithm 8.4). Unlike the C client this
 * replicates deactivation: it looks at the replica's active script before removing anything.
 */
export function planSieve(master: SieveState, replica: readonly ReplicaSieve[]): SievePlan {
  const scripts = new Map(
    replica.filter((item) => item.filename.endsWith('.script')).map((item) => [item.filename, item]),
  );
  const active = replica.find((item) => item.active)?.filename;
  const ours = new Set(master.scripts.map((script) => script.filename));
  const upload = master.scripts.filter((script) => scripts.get(script.filename)?.guid !== script.guid);
  const remove = [...scripts.keys()].filter((filename) => !ours.has(filename));
  // A server up to 3.4 removes the one file that is named, and goes on listing what it had compiled of it.
  for (const { filename } of replica) {
    const script = filename.replace(/\.bc$/, '.script');
    if (script !== filename && !scripts.has(script) && !ours.has(script)) remove.push(filename);
  }

  let activate: ByteString | undefined;
  if (master.active !== undefined) {
    const rewritten = upload.some((script) => compiledName(script.filename) === master.active);
    if (active !== master.active || rewritten) activate = master.active;
  } else if (active !== undefined) {
    activate = '';
  }
  return { upload, remove, activate };
}

/** `name.script` as its active form is named, `name.bc`. */
export function compiledName(filename: ByteString): ByteString {
  return filename.replace(/\.script$/, '.bc');
}
