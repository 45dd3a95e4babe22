type Name = 'stdin' | 'stdout' | 'stderr';

const opened = new Set<Name>();
let fault: NodeJS.ErrnoException | undefined;

/**
 * Node makes each of these streams when somebody asks for it. From now on it is known which were: what was made of a pipe, Node
 * has to set back for those who share it. Neither a reader that goes away nor a full disk ends the program in its middle.
 */
function watchStandardStreams(): void {
  for (const name of ['stdin', 'stdout', 'stderr'] as const) {
    const { get } = Object.getOwnPropertyDescriptor(process, name) ?? {};
    if (get === undefined) continue;
    Object.defineProperty(process, name, {
      configurable: true,
      enumerable: true,
      get() {
        const stream: NodeJS.Process[Name] = get.call(process);
        if (!opened.has(name)) {
          opened.add(name);
          if (name !== 'stdin') listen(process[name]);
        }
        return stream;
      },
    });
  }
}

function listen(stream: NodeJS.WriteStream): void {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever has gone away (`| head`), or has closed the terminal, has what they wanted.
    if (stream === process.stdout && error.code !== 'EPIPE' && !stream.isTTY) fault ??= error;
  });
}

/** @returns those that somebody has asked for */
function openedStreams(): ReadonlySet<Name> {
  return opened;
}

/** @returns why standard output could not take all that was written to it, if somebody wants it all */
function outputFault(): NodeJS.ErrnoException | undefined {
  return fault;
}

module.exports = { openedStreams, outputFault, watchStandardStreams };
