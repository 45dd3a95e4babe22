import { type NameRules, parseInternalName, useridOf } from '../../store/paths/mailbox-name.ts';
import type { OwnerOf } from './rolling-unit.ts';

/** The owner by the store's own rules: virtual domains, `^`, the DELETED namespace (store 3.2). */
export function ownerBy(rules: NameRules): OwnerOf {
  return (name) => useridOf(parseInternalName(rules, name));
}
