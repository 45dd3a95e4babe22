/** Each cycle once, from its first file in path order. */
export function cycles(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const found = new Set<string>();
  const settled = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const seen = trail.indexOf(path);
    if (seen >= 0) {
      found.add([...trail.slice(seen), path].join(' → '));
      return;
    }
    if (settled.has(path)) return;
    for (const next of graph.get(path) ?? []) visit(next, [...trail, path]);
    settled.add(path);
  };
  for (const path of [...graph.keys()].sort()) visit(path, []);
  return [...found];
}
