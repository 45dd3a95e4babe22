import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { CommandSplitter } from './command-splitter.ts';
import type { Recording } from './recording.ts';

const AGREED = 'OK success\r\n';

export interface ScriptedReplica {
  /** On loopback. */
  readonly port: number;
  stop(): Promise<void>;
}

/** Says what a replica said, and agrees with everything else. */
export async function startScriptedReplica({
  greeting,
  answers,
}: Pick<Recording, 'greeting' | 'answers'>): Promise<ScriptedReplica> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    const splitter = new CommandSplitter();
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.on('data', (chunk: string) => {
      for (const command of splitter.add(chunk)) socket.write(answers[command] ?? AGREED, 'latin1');
    });
    socket.write(greeting, 'latin1');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
