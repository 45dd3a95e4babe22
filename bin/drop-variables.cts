/**
 * Variables by which packages choose what of theirs they load: a folder or a file with native code, a part of its name, a
 * substitute. Their installers know them, and no run has a use for any.
 */
const FORMS: readonly RegExp[] = [
  // `LMDB_PREBUILD` and its kin name a folder with the native part of a package (node-gyp-build-optional-packages).
  /_PREBUILD$/,
  // The platform and the processor become a part of a path, which may lead anywhere.
  /^npm_/i,
  /^(?:PREBUILDS_ONLY|LIBC|ARM_VERSION|ELECTRON_RUN_AS_NODE)$/,
  /^(?:NAPI_RS|MSGPACKR|PISCINA|LMDB)_/,
  /^(?:DISABLE_TURBO_CALLS|NODE_PG_FORCE_NATIVE|TS_NODE_DEV)$/,
];

/** Takes such variables out, before any package is loaded: threads and other processes do not get them either. */
function dropVariables(environment: NodeJS.ProcessEnv): void {
  for (const name of Object.keys(environment)) {
    if (FORMS.some((form) => form.test(name))) delete environment[name];
  }
}

module.exports = { dropVariables };
