/** A MAILBOX, with the number of its connection. */
const MAILBOX = / (\d+) -> APPLY MAILBOX .*?[( ]MBOXNAME ([^ )]+)/;
const BEGINS = / a run begins$/;
/** After one of these a mailbox may be sent over another connection because its first one is gone. */
const AGAIN = / (again: |connection:|outage|killed)/;

/** @returns mailboxes of which one run sent steps over two connections, by the history of a simulation */
export function sentOverTwo(history: readonly string[]): string[] {
  const found: string[] = [];
  let connections = new Map<string, string>();
  for (const line of history) {
    if (BEGINS.test(line) || AGAIN.test(line)) connections = new Map();
    const [, connection = '', mailbox = ''] = MAILBOX.exec(line) ?? [];
    if (connection === '') continue;
    const before = connections.get(mailbox);
    if (before !== undefined && before !== connection) found.push(mailbox);
    connections.set(mailbox, connection);
  }
  return found;
}
