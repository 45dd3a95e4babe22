import type { IndexRecord, LockedMailbox } from '../../../src/store/master-store.ts';

export function allRecords(mailbox: LockedMailbox): IndexRecord[] {
  const records: IndexRecord[] = [];
  for (const page of mailbox.pages()) {
    for (let i = 0; i < page.count; i++) records.push(page.record(i));
  }
  return records;
}
