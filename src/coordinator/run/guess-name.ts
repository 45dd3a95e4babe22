import { type ByteString, withoutBlanksAround } from '../../byte-string.ts';
import type { Guess, UnmatchedName } from '../../report/events.ts';
import {
  inboxOf,
  type NameRules,
  parseExternalName,
  parseInternalName,
  parseUserid,
  toInternalName,
  useridOf,
} from '../../store/paths/mailbox-name.ts';

/** The mailboxes that are here, by internal name. */
export interface NamesHere {
  rules: NameRules;
  fate(name: ByteString): 'live' | 'deleted' | 'none';
  /** @returns whether a live mailbox's name begins so */
  begins(prefix: ByteString): boolean;
}

const PATTERN = /[*%]/;

/** Guesses what was meant by a name that matches nothing, as far as its form alone tells. */
export function guessName(mode: UnmatchedName['mode'], name: ByteString, here: NamesHere): Guess | undefined {
  if (name === '') return undefined;
  switch (mode) {
    case 'users':
    case 'meta':
      return guessUser(name, here);
    case 'mailboxes':
      return guessMailbox(name, here);
    case 'all':
      return guessPrefix(name, here);
  }
}

function guessUser(name: ByteString, here: NamesHere): Guess | undefined {
  if (PATTERN.test(name)) return { why: 'pattern' };
  const candidates = [withoutBlanksAround(name), ...ownersIn(name, here.rules), withoutDomain(name)];
  const found = candidates.find((userid) => userid !== name && isUser(userid, here));
  if (found !== undefined) return { why: 'form', name: found };
  return here.begins(`${inboxName(name, here.rules)}.`) ? { why: 'no-inbox' } : undefined;
}

function guessMailbox(name: ByteString, here: NamesHere): Guess | undefined {
  if (here.fate(name) === 'deleted') return { why: 'deleted' };
  if (PATTERN.test(name)) return { why: 'pattern' };
  // A `^` stands for a dot that was typed where the separator is another.
  const [, domain = '', path = ''] = /^([^!]*!)?(.*)$/s.exec(name) ?? [];
  const dotted = path.replaceAll('^', '.');
  const candidates = [withoutBlanksAround(path), dotted, `user.${path}`, `user.${dotted}`];
  const found = candidates
    .map((candidate) => domain + candidate)
    .find((candidate) => candidate !== name && here.fate(candidate) === 'live');
  return found === undefined ? undefined : { why: 'form', name: found };
}

function guessPrefix(name: ByteString, here: NamesHere): Guess | undefined {
  const literal = withoutBlanksAround(name).replace(/[*%].*$/s, '');
  const { rules } = here;
  const external = [true, false].map((unixhierarchysep) =>
    toInternalName(rules, parseExternalName({ ...rules, unixhierarchysep }, literal)),
  );
  const candidates = [
    literal,
    literal.replaceAll('/', '.'),
    ...external,
    `user.${literal}`,
    ...ownersIn(literal, rules).map((userid) => inboxName(userid, rules)),
    inboxName(literal, rules),
  ];
  const found = candidates.find(
    (candidate) => candidate !== name && candidate !== '' && here.begins(candidate),
  );
  if (found !== undefined) return { why: 'form', name: found };
  return PATTERN.test(name) ? { why: 'pattern' } : undefined;
}

/** Owners of the mailboxes that the name would be in any spelling. */
function ownersIn(name: ByteString, rules: NameRules): ByteString[] {
  const readings = [
    parseInternalName(rules, name),
    parseExternalName({ ...rules, unixhierarchysep: true }, name),
    parseExternalName({ ...rules, unixhierarchysep: false }, name),
    // Where there are no domains, somebody may have written one all the same.
    parseExternalName({ ...rules, virtdomains: 'userid', unixhierarchysep: true }, name),
    parseExternalName({ ...rules, virtdomains: 'userid', unixhierarchysep: false }, name),
  ];
  return readings.flatMap((reading) => {
    const userid = useridOf(reading);
    return userid === undefined ? [] : [userid, withoutDomain(userid)];
  });
}

function withoutDomain(userid: ByteString): ByteString {
  const at = userid.lastIndexOf('@');
  return at < 0 ? userid : userid.slice(0, at);
}

function isUser(userid: ByteString, here: NamesHere): boolean {
  return userid !== '' && here.fate(inboxName(userid, here.rules)) === 'live';
}

function inboxName(userid: ByteString, rules: NameRules): ByteString {
  return toInternalName(rules, inboxOf(parseUserid(rules, userid)));
}
