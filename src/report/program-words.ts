/** The program's name, and its word for what it does to users: for lines on standard error. */
export interface ProgramWords {
  program: string;
  done: string;
}

export const REPLICATING: ProgramWords = { program: 'sync_client', done: 'replicated' };
export const COMPARING: ProgramWords = { program: 'cyrus-sync verify', done: 'compared' };
export const PLANNING: ProgramWords = { program: 'cyrus-sync plan', done: 'planned' };
