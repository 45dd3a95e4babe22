import { type ByteString, compareBytes } from '../../byte-string.ts';
import type { Action } from '../../replicate/engine.ts';
import { nodeOf, nodesOfAction, type OwnerOf, type RollingUnit, userOfNode } from './rolling-unit.ts';

/** Everything said of one user or one shared mailbox; sets keep the order of first mention. */
interface Work {
  mailboxes: Set<ByteString>;
  quotas: Set<ByteString>;
  annotations: Set<ByteString>;
  seen: Set<ByteString>;
  subs: Set<ByteString>;
  unmailboxes: Set<ByteString>;
  meta: boolean;
  user: boolean;
  unuser: boolean;
}

/**
 * Makes few actions of those that many log lines ask for (algorithm 9.4). Memory grows with the number of different things named, not
 * with the number of lines.
 *
 * - RENAME ties what it names, and `RenamedUsers` what a log without RENAME names; DOUBLEMAILBOX ties two users, or two shared mailboxes. Between a user and a shared
 *   mailbox DOUBLEMAILBOX only adds the name to the user's set, as in the C client: else one busy shared folder would tie
 *   everybody into one unit.
 * - USER absorbs META, SEEN and SUB of the user; META absorbs SEEN and SUB.
 * - UNUSER absorbs META, SEEN and SUB too, but leaves one USER in front if any of them or a USER was there. It only acts
 *   if the user is gone from this host, and USER only if not: together they are right for one that was made again under
 *   an old name, whose USER the C client drops. A deferred line comes back later than it was, so order proves nothing.
 * - Mailbox names are never absorbed.
 */
export class Coalescer {
  readonly #ownerOf: OwnerOf;
  readonly #work = new Map<string, Work>();
  /** Union-find: a node's parent, absent for a root. */
  readonly #parent = new Map<string, string>();

  constructor(ownerOf: OwnerOf) {
    this.#ownerOf = ownerOf;
  }

  /** The names of one `mailboxes` action stay together. */
  add(action: Action): void {
    const nodes = nodesOfAction(action, this.#ownerOf);
    const [first] = nodes;
    if (first === undefined) return;
    const work = this.#at(first);
    switch (action.kind) {
      case 'mailboxes':
        for (const name of action.names) {
          const own = nodeOf(name, this.#ownerOf);
          this.#at(nodes.includes(own) ? own : first).mailboxes.add(name);
        }
        this.#tie(nodes);
        break;
      case 'quota':
        work.quotas.add(action.root);
        break;
      case 'annotation':
        work.annotations.add(action.name);
        break;
      case 'seen':
        work.seen.add(action.uniqueid);
        break;
      case 'sub':
        work.subs.add(action.name);
        break;
      case 'unmailbox':
        work.unmailboxes.add(action.name);
        break;
      case 'meta':
        work.meta = true;
        break;
      case 'user':
        work.user = true;
        break;
      case 'unuser':
        work.unuser = true;
        break;
    }
  }

  /** Actions of one line or one unit: what they concern is one unit from now on. */
  addTied(actions: readonly Action[]): void {
    for (const action of actions) this.add(action);
    this.#tie(actions.flatMap((action) => nodesOfAction(action, this.#ownerOf)));
  }

  /** In order of first mention, but units with an UNUSER last: what left a user is to be elsewhere before. */
  units(): RollingUnit[] {
    const groups = new Map<string, string[]>();
    for (const node of this.#work.keys()) {
      const root = this.#root(node);
      const group = groups.get(root);
      if (group) group.push(node);
      else groups.set(root, [node]);
    }
    const first: RollingUnit[] = [];
    const last: RollingUnit[] = [];
    for (const nodes of groups.values()) {
      const unit = this.#unit(nodes);
      (unit.actions.at(-1)?.kind === 'unuser' ? last : first).push(unit);
    }
    return [...first, ...last];
  }

  #unit(nodes: readonly string[]): RollingUnit {
    const names = new Set<ByteString>();
    const users = new Set<ByteString>();
    const single: Action[] = [];
    const metas: Action[] = [];
    const wholes: Action[] = [];
    const gone: Action[] = [];
    for (const node of nodes) {
      const work = this.#at(node);
      const userid = userOfNode(node);
      users.add(userid);
      for (const name of work.mailboxes) {
        names.add(name);
        users.add(this.#ownerOf(name) ?? '');
      }
      if (work.unuser) gone.push({ kind: 'unuser', userid });
      const personal = work.meta || work.seen.size > 0 || work.subs.size > 0;
      if (work.user || (work.unuser && personal)) wholes.push({ kind: 'user', userid });
      else if (work.meta) metas.push({ kind: 'meta', userid });
    }
    const absorbed = new Set([...metas, ...wholes].map((action) => 'userid' in action && action.userid));
    for (const { quotas } of this.#works(nodes))
      for (const root of quotas) single.push({ kind: 'quota', root });
    for (const { annotations } of this.#works(nodes)) {
      for (const name of annotations) single.push({ kind: 'annotation', name });
    }
    const personal = nodes.filter((node) => !absorbed.has(userOfNode(node)));
    for (const node of personal) {
      const userid = userOfNode(node);
      for (const uniqueid of this.#at(node).seen) single.push({ kind: 'seen', userid, uniqueid });
    }
    for (const node of personal) {
      const userid = userOfNode(node);
      for (const name of this.#at(node).subs) single.push({ kind: 'sub', userid, name });
    }
    for (const { unmailboxes } of this.#works(nodes)) {
      for (const name of unmailboxes) single.push({ kind: 'unmailbox', name });
    }
    const mailboxes: Action[] = names.size > 0 ? [{ kind: 'mailboxes', names: [...names] }] : [];
    return {
      users: [...users].sort(compareBytes),
      actions: [...mailboxes, ...single, ...metas, ...wholes, ...gone],
    };
  }

  #works(nodes: readonly string[]): Work[] {
    return nodes.map((node) => this.#at(node));
  }

  #at(node: string): Work {
    let work = this.#work.get(node);
    if (!work) {
      work = {
        mailboxes: new Set(),
        quotas: new Set(),
        annotations: new Set(),
        seen: new Set(),
        subs: new Set(),
        unmailboxes: new Set(),
        meta: false,
        user: false,
        unuser: false,
      };
      this.#work.set(node, work);
    }
    return work;
  }

  #tie(nodes: readonly string[]): void {
    const [first, ...others] = nodes;
    if (first === undefined) return;
    const root = this.#root(first);
    for (const other of others) {
      const theirs = this.#root(other);
      if (theirs !== root) this.#parent.set(theirs, root);
    }
  }

  #root(node: string): string {
    let root = node;
    for (let parent = this.#parent.get(root); parent !== undefined; parent = this.#parent.get(root))
      root = parent;
    // Path compression: a chain of renames must not be walked once per line.
    for (let at = node; at !== root; ) {
      const next = this.#parent.get(at) ?? root;
      this.#parent.set(at, root);
      at = next;
    }
    return root;
  }
}
