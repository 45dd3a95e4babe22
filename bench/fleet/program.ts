import { join } from 'node:path';

/** The command of the verbs, as it is built. */
export const PROGRAM = join(import.meta.dirname, '..', '..', 'bin', 'cyrus-sync.cjs');
