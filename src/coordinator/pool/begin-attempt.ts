/** Something that is being made, for all who want it. */
export interface Attempt<Made> {
  made: Promise<Made>;
  /** The making itself, whether anybody still waits for it or not. Never rejects. */
  ended: Promise<void>;
  /** Nobody waits for it any more. What is made all the same, the maker has to take back. */
  abandon(reason: Error): void;
}

/** A way to a server may take as long as its timeouts allow, and whoever is told to stop does not wait for that. */
export function beginAttempt<Made>(make: () => Promise<Made>): Attempt<Made> {
  let abandon = (_reason: Error): void => {};
  const abandoned = new Promise<never>((_resolve, reject) => {
    abandon = reject;
  });
  const making = make();
  const ended = making.then(
    () => {},
    () => {},
  );
  return { made: Promise.race([making, abandoned]), ended, abandon };
}
