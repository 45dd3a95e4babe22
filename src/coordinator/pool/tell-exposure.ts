import type { ReplicaSession } from '../../protocol/replica-session.ts';
import type { EventListener } from '../../report/events.ts';

/** Each connection tells; the report says it once in a run. */
export function tellExposure({ info }: ReplicaSession, emit: EventListener): void {
  const { server, exposure } = info;
  if (exposure !== undefined) emit({ kind: 'connection:exposed', server, exposure });
}
