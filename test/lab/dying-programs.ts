import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Programs in the place of the master's own `sync_server`. */

/** It says why, and is gone before anybody can speak to it. */
export async function programThatCannotStart(directory: string): Promise<string> {
  return await program(
    directory,
    'cannot-start',
    '#!/bin/sh\necho "cannot open the mail store" >&2\nexit 75\n',
  );
}

/** It greets as sync_server does, and is killed by the first command. */
export async function programThatDies(directory: string): Promise<string> {
  const text = `#!${process.execPath}
const banner = '* SASL PLAIN\\r\\n* OK master Cyrus sync server 3.6.1\\r\\n';
const server = require('node:net').createServer((socket) => {
  socket.write(banner);
  socket.on('data', () => process.stderr.write('Fatal error: assertion\\n', () => process.kill(process.pid, 'SIGKILL')));
});
server.listen({ fd: 4 });
`;
  return await program(directory, 'dies.cjs', text);
}

async function program(directory: string, name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  await chmod(path, 0o755);
  return path;
}
