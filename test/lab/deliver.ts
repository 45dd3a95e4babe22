import { once } from 'node:events';
import { connect } from 'node:net';
import type { CyrusServer } from './cyrus-server.ts';

/** Delivers one message over LMTP (RFC 2033) as a mail server on the same host does. Throws unless it is accepted. */
export async function deliver(server: CyrusServer, userid: string, message: Buffer): Promise<void> {
  const socket = connect(server.lmtpSocket);
  try {
    let received = '';
    const answers: string[] = [];
    let wake: () => void = () => {};
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1');
      const lines = received.split('\r\n');
      received = lines.pop() ?? '';
      // `250-` goes on, `250 ` is the last line of an answer.
      answers.push(...lines.filter((line) => /^\d{3} /.test(line)));
      wake();
    });
    let closed: Error | undefined;
    socket.on('error', (error) => {
      closed = error;
      wake();
    });
    socket.on('close', () => {
      closed ??= new Error('lmtpd closed the connection');
      wake();
    });
    const expectAnswer = async (digit: string, step: string): Promise<void> => {
      while (answers.length === 0) {
        if (closed) throw new Error(`LMTP ${step} for ${userid}: ${closed.message}`);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      const answer = answers.shift() ?? '';
      if (!answer.startsWith(digit)) throw new Error(`LMTP ${step} for ${userid} was answered ${answer}`);
    };
    const say = async (line: string, digit: string): Promise<void> => {
      socket.write(`${line}\r\n`);
      await expectAnswer(digit, line);
    };
    await expectAnswer('2', 'greeting');
    await say('LHLO client.test', '2');
    await say('MAIL FROM:<sender@example.com>', '2');
    await say(`RCPT TO:<${userid}>`, '2');
    await say('DATA', '3');
    socket.write(message.toString('latin1').replaceAll(/^\./gm, '..'), 'latin1');
    await say(`${message.at(-1) === 0x0a ? '' : '\r\n'}.`, '2');
    socket.end('QUIT\r\n');
    await once(socket, 'close');
  } finally {
    socket.destroy();
  }
}
