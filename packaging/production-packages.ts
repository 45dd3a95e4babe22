/** The part of package-lock.json that is read here. */
export interface Lock {
  packages: Readonly<
    Record<
      string,
      { dependencies?: Record<string, string>; optionalDependencies?: Record<string, string> } | undefined
    >
  >;
}

/**
 * Walks what the program depends on.
 *
 * @param isWanted of an optional package, which is one of many platforms or a native part that nothing here loads
 * @returns folders such as `node_modules/pino`, sorted
 * @throws Error if the lock file lacks one
 */
export function productionPackages(lock: Lock, isWanted: (name: string) => boolean): string[] {
  const found = new Set<string>();
  const visit = (name: string, from: string): void => {
    const folder = [`${from}/node_modules/${name}`, `node_modules/${name}`].find(
      (path) => lock.packages[path] !== undefined,
    );
    if (folder === undefined)
      throw new Error(`package-lock.json: expected ${name}, which ${from} depends on`);
    if (found.has(folder)) return;
    found.add(folder);
    const { dependencies = {}, optionalDependencies = {} } = lock.packages[folder] ?? {};
    for (const each of Object.keys(dependencies)) {
      if (!(each in optionalDependencies)) visit(each, folder);
    }
    for (const each of Object.keys(optionalDependencies).filter(isWanted)) visit(each, folder);
  };
  const { dependencies = {} } = lock.packages[''] ?? {};
  for (const name of Object.keys(dependencies)) visit(name, '');
  return [...found].sort();
}
