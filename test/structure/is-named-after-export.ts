interface Exports {
  values: string[];
  types: string[];
}

/**
 * A file is called after its main export, so that whoever reads a name knows the file, and the other way round:
 * `plan-folders.ts` exports `planFolders`, `dlist/parser.ts` exports `DlistParser`. Of several equals the file has the plural
 * of what they are: `limits.ts`; of several that begin alike, or of types alone, it has the beginning: `roff.ts`, `roffText`, `roffOfMarkdown`.
 */
export function isNamedAfterExport(path: string, text: string): boolean {
  const { values, types } = exportsOf(text);
  const [folder = '', file = ''] = path.split('/').slice(-2);
  const name = file.replace(/\.c?ts$/, '');
  const all = [...values, ...types];
  if (all.length === 0 || values.includes('main')) return true;
  if (all.map(kebab).some((exported) => exported === name || exported === `${folder}-${name}`)) return true;
  const equals = values.length > 0 ? values : types;
  if (equals.length > 1 && name.endsWith('s')) return true;
  const beginAlike = all.filter((each) => kebab(each).startsWith(`${name}-`)).length;
  return beginAlike > 1 || (values.length === 0 && beginAlike === 1);
}

/** Lists what a file declares and exports; a name that a door passes on belongs to the file that declares it. */
function exportsOf(text: string): Exports {
  const declared = text.matchAll(
    /^export (?:default )?(?:async )?(function\*?|class|interface|type|const) (\w+)/gm,
  );
  const found = [...declared].map(([, kind = '', name = '']) => ({
    name,
    isType: /^(interface|type)$/.test(kind),
  }));
  const names = (isType: boolean): string[] =>
    found.filter((each) => each.isType === isType).map(({ name }) => name);
  return { values: names(false), types: names(true) };
}

/** `planFolders` and `PlanFolders` are `plan-folders`, and so is `PLAN_FOLDERS`. */
function kebab(name: string): string {
  if (/^[A-Z0-9_]+$/.test(name)) return name.toLowerCase().replaceAll('_', '-');
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1-$2')
    .toLowerCase();
}
