import { configError, type Place } from './config-error.ts';

/** Where the sections and keys of a settings file stand: `ini` keeps no line numbers. */
export interface SettingPlaces {
  sections: readonly { name: string; place: Place }[];
  get(section: string, key: string): Place;
  /** In any section. */
  has(key: string): boolean;
}

/** As `ini` reads lines. A header begins its line and ends it; a key ends at = or at a comment. */
const NOTHING = /^\s*(?:[;#]|$)/;
const SECTION = /^\[([^\]]*)\]\s*$/;
const KEY = /^\s*([^=;#]*[^=;#\s])\s*=/;

/** Of a key as it is spelled, what can be shown: behind it may stand a password that lacks its `=`. */
export function keyAlone(spelled: string): string {
  const [shown = ''] = /^[\w[\]]*/.exec(spelled) ?? [];
  return shown.length < spelled.length ? `${shown}...` : shown;
}

/** @throws SyncError CONFIG for what `ini` would pass over in silence: a line that is neither, a section or key given twice */
export function settingPlaces(
  content: string,
  file: string,
  isKnown: (key: string) => boolean,
): SettingPlaces {
  const sections: { name: string; place: Place }[] = [{ name: '', place: { file, line: 1 } }];
  const keys = new Map<string, Place>();
  let section = '';
  for (const [index, text] of content.split(/\r\n|\r|\n/).entries()) {
    if (NOTHING.test(text)) continue;
    const place: Place = { file, line: index + 1 };
    const header = SECTION.exec(text)?.[1];
    if (header !== undefined) {
      section = header.trim();
      const before = sections.find(({ name }) => name === section);
      if (before !== undefined) refuseTwice(place, `[${section}]`, before.place);
      sections.push({ name: section, place });
      continue;
    }
    const key = KEY.exec(text)?.[1];
    if (key === undefined) {
      const word = /^\s*(\w+)/.exec(text)?.[1] ?? '';
      throw configError(place, `expected ${isKnown(word) ? word : 'KEY'} = VALUE on this line`);
    }
    const id = `${section}\n${key}`;
    const before = keys.get(id);
    if (before !== undefined) refuseTwice(place, keyAlone(key), before);
    keys.set(id, place);
  }
  return {
    sections,
    has: (key) => sections.some(({ name }) => keys.has(`${name}\n${key}`)),
    get: (name, key) =>
      keys.get(`${name}\n${key}`) ?? sections.find((one) => one.name === name)?.place ?? { file, line: 1 },
  };
}

function refuseTwice(place: Place, what: string, before: Place): never {
  throw configError(place, `expected ${what} once, but it stands already on line ${before.line}`);
}
