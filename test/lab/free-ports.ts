import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

const LOWEST_PORT = 12_000;
/** Where Linux begins to give ports to outgoing connections. */
const LOWEST_EPHEMERAL_PORT = 32_768;
/** Ports taken by the test processes of this host, a file each with the process id in it. */
const TAKEN = '/tmp/cyrus-sync-test-ports';

const mine = new Set<string>();
process.on('exit', () => {
  for (const file of mine) rmSync(file, { force: true });
});

/**
 * Ports that nobody uses, below those that the system gives to outgoing connections: one of these could otherwise take the
 * port between our look and the start of the server. At random, and each is this process's own until it ends, because test
 * files run side by side, and a server that is down for a while comes back to its port.
 */
export async function freePorts(count: number): Promise<number[]> {
  mkdirSync(TAKEN, { recursive: true, mode: 0o1777 });
  const ports: number[] = [];
  while (ports.length < count) {
    const port = randomInt(LOWEST_PORT, LOWEST_EPHEMERAL_PORT);
    if (take(join(TAKEN, String(port))) && (await canListen(port))) ports.push(port);
  }
  return ports;
}

export async function canListen(port: number): Promise<boolean> {
  const server = createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return false;
  server.close();
  await once(server, 'close');
  return true;
}

/** @returns false: another process has it, or was killed while it had it */
function take(file: string): boolean {
  try {
    writeFileSync(file, String(process.pid), { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  mine.add(file);
  return true;
}
