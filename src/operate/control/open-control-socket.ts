/**
 * The door of `operate/control`. Here is the socket over which a run is asked and steered while it lasts, and whoever asks it. What
 * a line means is decided apart from sockets. It is for whoever may read and write the socket's file, which is its owner alone, and
 * however many ask however much, memory is bounded and the run goes on.
 */

import { chmodSync, lstatSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { type ByteString, withoutBlanksAround } from '../../byte-string.ts';
import { lifeOfSocket } from '../../native/life-of-socket.ts';
import { SyncError } from '../../report/sync-error.ts';
import { type Controlled, controlAnswer, controlRefusal } from './control-answer.ts';
import { asksForJson, parseControlRequest } from './control-request.ts';

/** Octets of a line: the longest userid and a reason fit many times. */
const MOST_LINE_OCTETS = 4_096;
/** Who asks is a person or a monitor, and both ask one thing at a time. */
const MOST_CONNECTIONS = 32;
/** A connection that says nothing for so long is closed. */
const IDLE_MS = 60_000;
/** Octets of a path that the kernel takes for a socket, its end included. */
const MOST_PATH_OCTETS = 108;

/**
 * Opens the socket, readable and writable for its owner alone. One that nobody answers at is replaced.
 *
 * @throws SyncError USAGE if there is a living one, or none can be made there
 */
export async function openControlSocket(
  path: string,
  controlled: () => Controlled | undefined,
): Promise<AsyncDisposable> {
  if (Buffer.byteLength(path) >= MOST_PATH_OCTETS) {
    throw unusable(path, `its name has more than ${MOST_PATH_OCTETS - 1} octets`);
  }
  await removeStale(path);
  const server = createServer({ allowHalfOpen: true }, (socket) => serve(socket, controlled));
  server.maxConnections = MOST_CONNECTIONS;
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
  });
  await listen(server, path);
  // Who could not be let in asks again, and whoever listens does so as before.
  server.on('error', () => {}).unref();
  return {
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of open) socket.destroySoon();
      await closed;
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  // It is bound within this call, so that nobody else can open it before its mode is set.
  const before = process.umask(0o177);
  const listening = new Promise<void>((resolve, reject) => {
    server.once('listening', resolve).once('error', reject);
  });
  try {
    server.listen(path);
  } finally {
    process.umask(before);
  }
  try {
    await listening;
    chmodSync(path, 0o600);
  } catch (caught) {
    throw unusable(path, SyncError.from(caught).message);
  }
}

async function removeStale(path: string): Promise<void> {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return;
  if (!found.isSocket()) throw unusable(path, 'something else than a socket has that name');
  if ((await lifeOfSocket(path)) === 'alive') throw unusable(path, 'another run answers there');
  try {
    rmSync(path, { force: true });
  } catch (caught) {
    throw unusable(path, SyncError.from(caught).message);
  }
}

function unusable(path: string, why: string): SyncError {
  return new SyncError('USAGE', `--control: expected a place for a socket, found ${path}: ${why}`, {
    phase: 'start',
    hint: 'Name another one with --control PATH',
  });
}

/** One connection: lines in, answers out, one after the other. Nothing is read while an answer waits to be taken. */
function serve(socket: Socket, controlled: () => Controlled | undefined): void {
  let unread = '';
  let isFull = false;
  let hasEnded = false;
  const refuse = (line: ByteString): void => {
    unread = '';
    socket.end(`${controlRefusal(asksForJson(line), TOO_LONG)}\n`);
  };
  const answerTo = (line: ByteString): void => {
    if (withoutBlanksAround(line) === '') return;
    isFull = !socket.write(`${controlAnswer(parseControlRequest(line), controlled())}\n`);
  };
  const takeLines = (): void => {
    for (let at = unread.indexOf('\n'); at >= 0 && socket.writable && !isFull; at = unread.indexOf('\n')) {
      const line = unread.slice(0, at);
      unread = unread.slice(at + 1);
      if (line.length > MOST_LINE_OCTETS) refuse(line);
      else answerTo(line);
    }
    if (isFull) {
      socket.pause();
      return;
    }
    if (unread.length > MOST_LINE_OCTETS) refuse(unread);
    if (!hasEnded || !socket.writable) return;
    // `echo -n status | nc` ends without an end of line.
    if (unread !== '') answerTo(unread);
    socket.end();
  };
  socket.setTimeout(IDLE_MS, () => socket.destroy());
  // Whoever asked has gone: nobody is left to be told.
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: Buffer) => {
    unread += chunk.toString('latin1');
    takeLines();
  });
  socket.on('drain', () => {
    isFull = false;
    socket.resume();
    takeLines();
  });
  socket.on('end', () => {
    hasEnded = true;
    takeLines();
  });
}

const TOO_LONG = `expected at most ${MOST_LINE_OCTETS} octets on a line`;
