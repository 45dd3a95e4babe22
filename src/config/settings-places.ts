import { configError, type Place } from './config-error.ts';

/** Where the sections and keys of a settings file stand: `ini` keeps no line numbers. */
export interface SettingPlaces {
  sections: readonly { name: string; place: Place }[];
  get(section: string, key: string): Place;
}

/** As `ini` reads lines. A header begins its line and ends it; a key ends at = or at a comment. */
const NOTHING = /^\s*(?:[;#]|$)/;
const SECTION = /^\[([^\]]*)\]\s*$/;
const KEY = /^\s*([^=;#]*[^=;#\s])\s*(?:[=;#]|$)/;

/** @throws SyncError CONFIG for what `ini` would pass over in silence: a line that is neither, a section or key given twice */
export function settingPlaces(content: string, file: string): SettingPlaces {
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
    if (key === undefined) throw configError(place, `expected KEY = VALUE, found "${text.trim()}"`);
    const id = `${section}\n${key}`;
    const before = keys.get(id);
    if (before !== undefined) refuseTwice(place, key, before);
    keys.set(id, place);
  }
  return {
    sections,
    get: (name, key) =>
      keys.get(`${name}\n${key}`) ?? sections.find((one) => one.name === name)?.place ?? { file, line: 1 },
  };
}

function refuseTwice(place: Place, what: string, before: Place): never {
  throw configError(place, `expected ${what} once, but it stands already on line ${before.line}`);
}
