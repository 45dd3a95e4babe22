import type { ByteString } from '../../byte-string.ts';
import type { DlistValue } from '../dlist/value.ts';

/** What to do with each kind of untagged line; kinds not named are passed over, as every Cyrus version does. */
export type UntaggedHandlers = Readonly<Record<ByteString, (value: DlistValue) => void>>;

export function dispatch(handlers: UntaggedHandlers): (name: ByteString, value: DlistValue) => void {
  return (name, value) => handlers[name]?.(value);
}
