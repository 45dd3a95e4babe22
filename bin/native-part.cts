const {
  koffiBinary,
}: { koffiBinary(folder: string): string | undefined } = require('../src/native/koffi-binary.js');

type Koffi = Pick<typeof import('koffi'), 'load' | 'view'>;

interface NativePart {
  /** Functions of libc, by their prototypes. */
  libc: import('koffi').LibraryHandle;
  view: Koffi['view'];
}

let loaded: NativePart | undefined;

/**
 * Gives a start and an end what the program calls libc with (src/native).
 *
 * @returns undefined where it is not where packages usually are: an entry does without, and takes longer
 */
function nativePart(): NativePart | undefined {
  loaded ??= load();
  return loaded;
}

function load(): NativePart | undefined {
  try {
    const binary = koffiBinary(__dirname);
    if (binary === undefined) return undefined;
    const koffi: Koffi = require(binary);
    return { libc: koffi.load(null), view: koffi.view };
  } catch {
    // The program says what is wrong with it, as soon as it needs it.
    return undefined;
  }
}

module.exports = { nativePart };
