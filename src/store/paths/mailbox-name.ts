import type { ByteString } from '../../byte-string.ts';
import type { StoreLayout } from './store-layout.ts';

/** The parsed form that all of Cyrus's spellings of a mailbox name go through (store 3.2). */
export interface MailboxName {
  domain: ByteString | undefined;
  /** The owner's name without domain, un-escaped; undefined for a shared mailbox. */
  localpart: ByteString | undefined;
  /** The components below `user.LOCALPART`, or all of them for a shared mailbox, un-escaped. */
  boxes: ByteString[];
  /** Seconds since the epoch when it was moved into the DELETED namespace; 0 = it is not there. */
  deletedTime: number;
}

/** The settings that decide how a name is split. */
export type NameRules = Pick<
  StoreLayout,
  'defaultdomain' | 'deletedprefix' | 'unixhierarchysep' | 'virtdomains'
>;

const DBNAME_SEPARATOR = '\x1f';
const DBNAME_DOMAIN_END = '\x1d';

/** `dom!user.jo^smith.Sent` */
export function parseInternalName(rules: NameRules, name: ByteString): MailboxName {
  const bang = name.indexOf('!');
  const domain = bang < 0 ? undefined : name.slice(0, bang);
  const components = name
    .slice(bang + 1)
    .split('.')
    .map(unescapeDot);
  return classify(rules, domain, components);
}

/** `dom\x1duser\x1fjo.smith\x1fSent`, the spelling of mailboxes.db and of version 2 subscription files. */
export function parseDbname(rules: NameRules, name: ByteString): MailboxName {
  const end = name.indexOf(DBNAME_DOMAIN_END);
  const domain = end < 0 ? undefined : name.slice(0, end);
  return classify(rules, domain, name.slice(end + 1).split(DBNAME_SEPARATOR));
}

/** `user/jo.smith/Sent@dom`, the administrator's spelling on the command line. */
export function parseExternalName(rules: NameRules, name: ByteString): MailboxName {
  const at = rules.virtdomains === 'off' ? -1 : name.lastIndexOf('@');
  const domain = at < 0 ? undefined : name.slice(at + 1);
  const path = at < 0 ? name : name.slice(0, at);
  const components = rules.unixhierarchysep ? path.split('/') : path.split('.').map(unescapeDot);
  return classify(rules, domain, components);
}

export function parseUserid(rules: NameRules, userid: ByteString): MailboxName {
  const at = userid.lastIndexOf('@');
  const domain = at < 0 ? undefined : userid.slice(at + 1);
  return {
    domain: domain === rules.defaultdomain ? undefined : domain,
    localpart: at < 0 ? userid : userid.slice(0, at),
    boxes: [],
    deletedTime: 0,
  };
}

function classify(rules: NameRules, domain: ByteString | undefined, components: ByteString[]): MailboxName {
  let boxes = components;
  let deletedTime = 0;
  if (boxes.length > 2 && boxes[0] === rules.deletedprefix) {
    deletedTime = Number.parseInt(boxes.at(-1) ?? '', 16) || 0;
    // C decides by this number whether the name is in the namespace at all, and drops both components regardless.
    boxes = boxes.slice(1, -1);
  }
  let localpart: ByteString | undefined;
  if (boxes.length > 1 && boxes[0] === 'user') {
    localpart = boxes[1];
    boxes = boxes.slice(2);
  }
  return { domain: domain === rules.defaultdomain ? undefined : domain, localpart, boxes, deletedTime };
}

/** All components in order, un-escaped, without the domain: `DELETED user jo.smith Sent 6B04D978`. */
export function componentsOf(rules: NameRules, name: MailboxName): ByteString[] {
  const components = name.localpart === undefined ? [...name.boxes] : ['user', name.localpart, ...name.boxes];
  if (name.deletedTime === 0) return components;
  return [rules.deletedprefix, ...components, name.deletedTime.toString(16).toUpperCase()];
}

export function toInternalName(rules: NameRules, name: MailboxName): ByteString {
  const path = componentsOf(rules, name).map(escapeDot).join('.');
  return name.domain === undefined ? path : `${name.domain}!${path}`;
}

export function toDbname(rules: NameRules, name: MailboxName): ByteString {
  const path = componentsOf(rules, name).join(DBNAME_SEPARATOR);
  return name.domain === undefined ? path : name.domain + DBNAME_DOMAIN_END + path;
}

/** Owner with domain, or undefined for a shared mailbox. */
export function useridOf(name: MailboxName): ByteString | undefined {
  if (name.localpart === undefined) return undefined;
  return name.domain === undefined ? name.localpart : `${name.localpart}@${name.domain}`;
}

/** The user's INBOX: the same name without folder and without DELETED. */
export function inboxOf(name: MailboxName): MailboxName {
  return { domain: name.domain, localpart: name.localpart, boxes: [], deletedTime: 0 };
}

export function isInbox(name: MailboxName): boolean {
  return name.localpart !== undefined && name.boxes.length === 0 && name.deletedTime === 0;
}

/** A `.` inside one component is written `^` wherever `.` separates or where a path is built. */
export function escapeDot(component: ByteString): ByteString {
  return component.replaceAll('.', '^');
}

function unescapeDot(component: ByteString): ByteString {
  return component.replaceAll('^', '.');
}
