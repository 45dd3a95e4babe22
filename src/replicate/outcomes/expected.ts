/**
 * A command whose answer is looked at later, when others have been sent: should it fail before, while something else is
 * awaited, that would otherwise be an error that nobody handles, which ends the process.
 */
export function expected<T>(command: Promise<T>): Promise<T> {
  command.catch(() => undefined);
  return command;
}
