import { configError, type Position } from './config-error.ts';
import { misspelling } from './misspelling.ts';

/** Where the sections and keys of a settings file stand: `ini` keeps no line numbers. */
export interface SettingPositions {
  sections: readonly { name: string; place: Position }[];
  get(section: string, key: string): Position;
  /** In any section. */
  has(key: string): boolean;
}

/** Lines are read as `ini` reads them: a header begins its line and ends it; a key ends at = or at a comment. */
const NOTHING = /^\s*(?:[;#]|$)/;
const SECTION = /^\[([^\]]*)\]\s*$/;
const KEY = /^\s*([^=;#]*[^=;#\s])\s*=/;

/** @returns what can be shown of a key as it is spelled: behind it may stand a password that lacks its `=` */
export function keyAlone(spelled: string): string {
  const [shown = ''] = /^[\w[\]]*/.exec(spelled) ?? [];
  return shown.length < spelled.length ? `${shown}...` : shown;
}

/**
 * @throws SyncError CONFIG for what `ini` would pass over in silence: a line that is neither, a section or key given twice, a
 *   value that it reads as another
 */
export function settingPositions(
  content: string,
  file: string,
  isKnown: (key: string) => boolean,
): SettingPositions {
  const sections: { name: string; place: Position }[] = [{ name: '', place: { file, line: 1 } }];
  const keys = new Map<string, Position>();
  let section = '';
  for (const [index, text] of content.split(/\r\n|\r|\n/).entries()) {
    if (NOTHING.test(text)) continue;
    const place: Position = { file, line: index + 1 };
    const header = SECTION.exec(text)?.[1];
    if (header !== undefined) {
      section = header.trim();
      const before = sections.find(({ name }) => name === section);
      if (before !== undefined) refuseTwice(place, `[${section}]`, before.place);
      sections.push({ name: section, place });
      continue;
    }
    const [start = '', key] = KEY.exec(text) ?? [];
    if (key === undefined) {
      const word = /^\s*(\w+)/.exec(text)?.[1] ?? '';
      throw configError(place, `expected ${isKnown(word) ? word : 'KEY'} = VALUE on this line`);
    }
    const id = `${section}\n${key}`;
    const before = keys.get(id);
    if (before !== undefined) refuseTwice(place, keyAlone(key), before);
    const expected = misspelling(text.slice(start.length));
    if (expected !== undefined) throw configError(place, `${keyAlone(key)}: expected ${expected}`);
    keys.set(id, place);
  }
  return {
    sections,
    has: (key) => sections.some(({ name }) => keys.has(`${name}\n${key}`)),
    get: (name, key) =>
      keys.get(`${name}\n${key}`) ?? sections.find((one) => one.name === name)?.place ?? { file, line: 1 },
  };
}

function refuseTwice(place: Position, what: string, before: Position): never {
  throw configError(place, `expected ${what} once, but it stands already on line ${before.line}`);
}
