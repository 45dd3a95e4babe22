import type { Encoded } from '../dlist/encoders.ts';
import type { Command, CommandQueue } from '../link/command-queue.ts';
import type { Piece } from '../link/output-queue.ts';

/** Submits APPLY with one value, whose answer has nothing but its end. */
export function apply(
  queue: CommandQueue,
  name: string,
  encode: () => Encoded,
  refused?: Command<void>['refused'],
): Promise<void> {
  const command: Command<void> = { verb: 'APPLY', name, args: () => `${name} ${encode()}`, result: () => {} };
  if (refused !== undefined) command.refused = refused;
  return queue.submit(command);
}

/** Like `apply`, for values with parts that traffic listeners must not see. */
export function applyPieces(queue: CommandQueue, name: string, pieces: Iterable<Piece>): Promise<void> {
  return queue.submit({ verb: 'APPLY', name, args: pieces, result: () => {} });
}
