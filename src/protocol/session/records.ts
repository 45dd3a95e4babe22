import type { ByteString } from '../../byte-string.ts';
import { FLAG, GUID } from '../../grammar.ts';
import { encodeFlags, encodeGuid, encodeNumber } from '../dlist/encoders.ts';
import type { DlistValue } from '../dlist/value.ts';
import type { WireRecord } from '../replica-session.ts';
import { decodeAnnotations, encodeAnnotations } from './annotation-commands.ts';
import { requireList, requireMap, requireName, requireNumber, stringItems } from './fields.ts';
import { MESSAGE_SIZE, MODSEQ, TIME, UID } from './ranges.ts';

/** The fields of one record, in Cyrus's order (protocol 9.2). */
export function encodeRecord(record: WireRecord): ByteString {
  const { annotations } = record;
  const text =
    `%(UID ${encodeNumber(record.uid)} MODSEQ ${encodeNumber(record.modseq)}` +
    ` LAST_UPDATED ${encodeNumber(record.lastUpdated)} FLAGS ${encodeFlags(record.flags)}` +
    ` INTERNALDATE ${encodeNumber(record.internaldate)} SIZE ${encodeNumber(record.size)} GUID ${encodeGuid(record.guid)}`;
  return annotations.length === 0 ? `${text})` : `${text} ANNOTATIONS ${encodeAnnotations(annotations)})`;
}

export function decodeRecord(value: DlistValue): WireRecord {
  const map = requireMap(value, 'a RECORD item');
  return {
    uid: requireNumber(map, 'UID', UID),
    modseq: requireNumber(map, 'MODSEQ', MODSEQ),
    lastUpdated: requireNumber(map, 'LAST_UPDATED', TIME),
    flags: stringItems(requireList(map.get('FLAGS'), 'FLAGS'), 'FLAGS', FLAG),
    internaldate: requireNumber(map, 'INTERNALDATE', TIME),
    size: requireNumber(map, 'SIZE', MESSAGE_SIZE),
    guid: requireName(map, 'GUID', GUID),
    annotations: decodeAnnotations(map),
  };
}
