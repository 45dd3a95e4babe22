/** A name that no host has. No label is that long, so that no server of names is asked, and none can be slow to say so. */
export const UNKNOWN_HOST = `${'x'.repeat(64)}.invalid`;
