/** File types that Node loads, and browsers. */
const LOADABLE = /\.(?:[cm]?js|json|node|css)$/;
/** Licences go along, as they demand. */
const LICENCE = /^(?:licen[cs]e|copying|notice)/i;

/** Folders and files that are for whoever works on a package. */
const FOR_DEVELOPERS =
  /^(?:(?:tests?|test-jest|bench(?:mark)?s?|docs?|examples?|scripts|build)\/|tsconfig|eslint|bench\.|test\.)/;
/** Files that koffi is built with, and binaries for a C library that Debian does not use, or for one version of Node alone. */
const FOR_BUILDING = /^(?:vendor\/|lib\/native\/|cnoke|musl_|node\.(?:abi|napi\.musl))/;
const WITH_NATIVE_PART = /^node_modules\/(?:koffi$|@koromix\/|@lmdb\/)/;
/** They have a twin for browsers. */
const FOR_BROWSERS = /(?:^|[-/])browser\.js$/;

/**
 * Says what of a package goes along.
 *
 * @param folder the package, such as `node_modules/pino`
 * @param path of a file in it
 */
export function isLoadedAtRunTime(folder: string, path: string): boolean {
  if (LICENCE.test(path)) return true;
  if (!LOADABLE.test(path) || FOR_DEVELOPERS.test(path) || FOR_BROWSERS.test(path)) return false;
  return !(WITH_NATIVE_PART.test(folder) && FOR_BUILDING.test(path));
}
