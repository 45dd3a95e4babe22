import type { ByteString } from '../../byte-string.ts';
import { ANNOTATION_ENTRY, MAILBOX_NAME, USERID } from '../../grammar.ts';
import { encodeKvlist, encodeNumber, encodeString } from '../dlist/encoders.ts';
import type { DlistMap, DlistValue } from '../dlist/value.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession, WireAnnotation } from '../replica-session.ts';
import { apply } from './apply.ts';
import { dispatch } from './dispatch.ts';
import {
  optionalNumber,
  optionalString,
  requireList,
  requireMap,
  requireName,
  requireString,
  requireText,
  unaskedOfMailbox,
} from './fields.ts';
import { ifNonexistent } from './if-nonexistent.ts';
import { MODSEQ } from './ranges.ts';

type AnnotationCommands = Pick<ReplicaSession, 'getAnnotation' | 'applyAnnotation' | 'applyUnannotation'>;

/** Annotations of a mailbox, or of the server where the name is empty (protocol 9, 10.11, 10.12). */
export function annotationCommands(queue: CommandQueue): AnnotationCommands {
  return {
    getAnnotation(name) {
      const annotations: WireAnnotation[] = [];
      return queue.submit({
        verb: 'GET',
        name: 'ANNOTATION',
        args: () => `ANNOTATION ${encodeString(name)}`,
        untagged: dispatch({
          ANNOTATION: (value) => {
            const of = optionalString(requireMap(value, 'ANNOTATION'), 'MBOXNAME', MAILBOX_NAME) ?? name;
            if (of !== name) throw unaskedOfMailbox('an annotation of', of);
            annotations.push(decodeAnnotation(value));
          },
        }),
        result: () => annotations,
        refused: ifNonexistent([]),
      });
    },

    applyAnnotation: (name, annotation) =>
      apply(queue, 'ANNOTATION', () =>
        encodeKvlist([
          ['MBOXNAME', encodeString(name)],
          ['ENTRY', encodeString(annotation.entry)],
          ['USERID', encodeString(annotation.userid)],
          ['VALUE', encodeString(annotation.value)],
        ]),
      ),

    applyUnannotation: (name, entry, userid) =>
      apply(queue, 'UNANNOTATION', () =>
        encodeKvlist([
          ['MBOXNAME', encodeString(name)],
          ['ENTRY', encodeString(entry)],
          ['USERID', encodeString(userid)],
        ]),
      ),
  };
}

/** The value of ANNOTATIONS in a mailbox or a record; neither has the key when there are none. */
export function encodeAnnotations(annotations: readonly WireAnnotation[]): ByteString {
  let text = '';
  for (const { entry, userid, modseq, value } of annotations) {
    text +=
      `${text === '' ? '(' : ' '}%(ENTRY ${encodeString(entry)} USERID ${encodeString(userid)}` +
      ` MODSEQ ${encodeNumber(modseq)} VALUE ${encodeString(value)})`;
  }
  return `${text})`;
}

export function decodeAnnotations(map: DlistMap): WireAnnotation[] {
  const list = map.get('ANNOTATIONS');
  if (list === undefined || list === null) return [];
  return requireList(list, 'ANNOTATIONS').map(decodeAnnotation);
}

export function decodeAnnotation(value: DlistValue): WireAnnotation {
  const map = requireMap(value, 'an annotation');
  return {
    entry: requireName(map, 'ENTRY', ANNOTATION_ENTRY),
    userid: requireString(map, 'USERID', USERID),
    modseq: optionalNumber(map, 'MODSEQ', MODSEQ),
    value: requireText(map, 'VALUE'),
  };
}
