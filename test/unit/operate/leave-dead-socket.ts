import { once } from 'node:events';
import { renameSync, utimesSync } from 'node:fs';
import { createServer } from 'node:net';

const HOUR_MS = 3_600_000;

/** Leaves what a killed process does: the name, and nobody behind it. */
export async function leaveDeadSocket(path: string, atMs = Date.now() - HOUR_MS): Promise<void> {
  const server = createServer().listen(path);
  await once(server, 'listening');
  renameSync(path, `${path}.kept`);
  await new Promise((resolve) => server.close(resolve));
  renameSync(`${path}.kept`, path);
  utimesSync(path, atMs / 1_000, atMs / 1_000);
}
