import { withDatabase } from '../src/store/cyrusdb/with-database.ts';
import type { CyrusScratch } from '../test/lab/cyrus-scratch.ts';

export interface Task {
  name: string;
  unit: string;
  /** Units of one call. */
  units: number;
  work(): void | Promise<void>;
}

const FORMATS = ['twoskip', 'skiplist'] as const;
const LOOKUPS = 1000;

/** Files as Cyrus itself writes them, with rows of a mailboxes.db. */
export function databaseTasks(scratch: CyrusScratch, rows: number): Task[] {
  return FORMATS.flatMap((format) => {
    const path = scratch.path(`${rows}.${format}`);
    // In one transaction: each time that it is opened for writing, a skiplist is gone through from end to end.
    scratch.transaction(
      path,
      format,
      Array.from({ length: rows }, (_, i) => ({ set: key(i), value: value(i) })),
    );
    return tasksOf(path, `${format} of ${rows} rows`, rows);
  });
}

function key(i: number): string {
  return `Nuser\x1fu${String(i).padStart(7, '0')}`;
}

function value(i: number): string {
  const id = String(i).padStart(24, 'a');
  return `%(A %(u lrswipkxtecdan anyone p) I ${id} P default V 1790000000 F 1 M 1790000000)`;
}

function tasksOf(path: string, name: string, rows: number): Task[] {
  const read = (work: Parameters<typeof withDatabase<void>>[1]) => void withDatabase(path, work);
  return [
    {
      name: `${name}: walk`,
      unit: 'rows',
      units: rows,
      work: () =>
        read((db) => {
          let seen = 0;
          for (const [, value] of db.entries('')) seen += value.length > 0 ? 1 : 0;
          if (seen !== rows) throw new Error(`${seen} rows were walked of ${rows}`);
        }),
    },
    {
      name: `${name}: look up, one open for all`,
      unit: 'rows',
      units: LOOKUPS,
      work: () =>
        read((db) => {
          for (let i = 0; i < LOOKUPS; i++) {
            if (db.get(key((i * 7919) % rows)) === undefined) throw new Error('a row was not found');
          }
        }),
    },
    {
      name: `${name}: open and look up one`,
      unit: 'rows',
      units: 1,
      work: () => read((db) => void db.get(key(4711))),
    },
  ];
}
