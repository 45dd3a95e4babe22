import type { ByteString } from '../../byte-string.ts';
import type { DlistValue } from '../dlist/value.ts';

/** A reader for each kind of untagged line; kinds not named are passed over, as every Cyrus version does. */
export type UntaggedHandlers = Readonly<Record<ByteString, (value: DlistValue) => void>>;

/** Looked up in a map, because the server chooses the name: an object has more names than were given to it. */
export function dispatch(handlers: UntaggedHandlers): (name: ByteString, value: DlistValue) => void {
  const handlerOf = new Map(Object.entries(handlers));
  return (name, value) => handlerOf.get(name)?.(value);
}
