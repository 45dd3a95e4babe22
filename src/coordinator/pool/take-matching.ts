import type { ByteString } from '../../byte-string.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { NameRules } from '../../store/paths/mailbox-name.ts';
import type { ListedName, ListNames } from '../../store/remote/list-everybody.ts';

/** Answers as IMAP's LIST would, from all internal names. @returns true: the patterns have been answered */
export function takeMatching(
  internal: readonly ByteString[],
  rules: NameRules,
  patterns: Parameters<ListNames>[0],
  take: (listed: ListedName) => void,
): true {
  const separator = rules.unixhierarchysep ? '/' : '.';
  const names = internal.map((name) => externalName(rules, name));
  const exists = new Set(names);
  const all = new Set(names.flatMap((name) => [name, ...namesAbove(name, separator)]));
  for (const pattern of patterns(separator)) {
    const expression = expressionOf(pattern, separator);
    for (const name of all) if (expression.test(name)) take({ name, separator, exists: exists.has(name) });
  }
  return true;
}

function namesAbove(name: ByteString, separator: string): ByteString[] {
  const above: ByteString[] = [];
  for (let at = name.lastIndexOf(separator); at > 0; at = name.lastIndexOf(separator, at - 1)) {
    above.push(name.slice(0, at));
  }
  return above;
}

function expressionOf(pattern: ByteString, separator: string): RegExp {
  const source = pattern
    .replace(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('%', `[^${separator}]*`);
  return new RegExp(`^${source}$`, 's');
}
