import { join } from 'node:path';
import { type CyrusServer, giveToCyrus, PASSWORD } from './cyrus-server.ts';
import { runProcess } from './processes.ts';

/** Lets a user log in without the administrator, which is all that some services take. */
export async function givePassword(server: CyrusServer, userid: string): Promise<void> {
  const database = join(server.directory, 'sasldb2');
  const [local = '', domain = `${server.name}.test`] = userid.split('@');
  const command = ['/usr/sbin/saslpasswd2', '-c', '-p', '-f', database, '-u', domain, local];
  const made = await runProcess(command, { input: PASSWORD });
  if (made.code !== 0) throw new Error(`saslpasswd2 exited ${made.code}: ${made.stderr}${made.stdout}`);
  giveToCyrus(database);
}
