type Name = 'stdin' | 'stdout' | 'stderr';

const opened = new Set<Name>();

/**
 * Node makes each of these streams when somebody asks for it. From now on it is known which were: what was made of a pipe, Node
 * has to set back for those who share it. A reader that goes away ends the output, not the program.
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
          if (name !== 'stdin') stream.on('error', () => {});
        }
        return stream;
      },
    });
  }
}

/** @returns those that somebody has asked for */
function openedStreams(): ReadonlySet<Name> {
  return opened;
}

module.exports = { openedStreams, watchStandardStreams };
