import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { connectReplica } from '../../src/protocol/connect/connect-replica.ts';
import { settingsFor } from '../../test/lab/settings.ts';

/** Megabytes a second to a server that only counts octets, in a thread of its own. */

const OK = '* OK null Cyrus sync server\r\n';

interface Plan {
  octetsPerCommand: number;
}

if (isMainThread) {
  for (const [messages, size] of [
    [1024, 4_000],
    [1024, 75_000],
    [64, 4_000_000],
  ] as const) {
    await measure(messages, size);
  }
} else {
  serve(workerData as Plan);
}

async function measure(messages: number, size: number): Promise<void> {
  const content = randomBytes(size);
  const upload = Array.from({ length: messages }, (_, i) => ({
    partition: 'default',
    guid: i.toString(16).padStart(40, '0'),
    size,
    content,
  }));
  const head = `%{default ${'0'.repeat(40)} ${size}}\r\n`.length;
  const plan: Plan = {
    octetsPerCommand: 'APPLY MESSAGE ()\r\n'.length + messages * (head + size) + messages - 1,
  };
  const worker = new Worker(new URL(import.meta.url), { workerData: plan });
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const session = await connectReplica(
    settingsFor(`127.0.0.1:${port}/noauth`, { windowOctets: 16 * 1024 * 1024 }),
  );
  const commands = Math.max(1, Math.round(1e9 / plan.octetsPerCommand / 2));
  const before = performance.eventLoopUtilization();
  const started = performance.now();
  const sent: Promise<void>[] = [];
  for (let i = 0; i < commands; i++) {
    await session.window();
    sent.push(session.applyMessages(upload));
  }
  await Promise.all(sent);
  const seconds = (performance.now() - started) / 1000;
  const { utilization } = performance.eventLoopUtilization(before);
  const megabytes = (commands * plan.octetsPerCommand) / 1e6;
  console.log(
    `${commands} x ${messages} messages of ${size}: ${(megabytes / seconds).toFixed(0)} MB/s,` +
      ` ${((commands * messages) / seconds).toFixed(0)} messages/s, thread busy ${(utilization * 100).toFixed(0)} %`,
  );
  session.destroy();
  await worker.terminate();
}

function serve({ octetsPerCommand }: Plan): void {
  const server = createServer((socket) => {
    let octets = 0;
    socket.write(OK);
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      octets += chunk.length;
      for (; octets >= octetsPerCommand; octets -= octetsPerCommand) socket.write('OK success\r\n');
    });
  });
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    parentPort?.postMessage(typeof address === 'object' ? address?.port : undefined);
  });
}
