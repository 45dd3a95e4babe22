import type { WireRecord } from '../protocol/replica-session.ts';
import type { Difference, DifferenceKind } from '../report/difference.ts';

type Found = Pick<Difference, 'kind' | 'what' | 'master' | 'replica'>;

/** The differences of one message. A mere sign that something was changed is told where nothing else differs. */
export function compareRecord(master: WireRecord | undefined, replica: WireRecord | undefined): Found[] {
  if (!master || !replica) {
    return master || replica ? [{ kind: 'message', master: master?.guid, replica: replica?.guid }] : [];
  }
  const found: Found[] = [];
  const compare = (kind: DifferenceKind, ours: string | number, theirs: string | number): void => {
    if (ours !== theirs) found.push({ kind, master: ours, replica: theirs });
  };
  compare('guid', master.guid, replica.guid);
  compare('size', master.size, replica.size);
  compare('internaldate', master.internaldate, replica.internaldate);
  compare('flags', flagText(master), flagText(replica));
  found.push(...annotations(master, replica));
  if (found.length > 0) return found;
  compare('modseq', master.modseq, replica.modseq);
  compare('last-updated', master.lastUpdated, replica.lastUpdated);
  return found;
}

/** Each side has the names of flags in the case, and the order, in which it met them first. */
function flagText({ flags }: WireRecord): string {
  return [...flags]
    .map((flag) => flag.toLowerCase())
    .sort()
    .join(' ');
}

function annotations(master: WireRecord, replica: WireRecord): Found[] {
  const values = ({ annotations: list }: WireRecord) =>
    new Map(list.map(({ entry, userid, value }) => [userid === '' ? entry : `${entry} of ${userid}`, value]));
  const [ours, theirs] = [values(master), values(replica)];
  return [...new Set([...ours.keys(), ...theirs.keys()])]
    .filter((name) => ours.get(name) !== theirs.get(name))
    .map((what) => ({
      kind: 'message-annotation',
      what,
      master: ours.get(what),
      replica: theirs.get(what),
    }));
}
