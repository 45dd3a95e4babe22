import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, writeFileSync } from 'node:fs';
import { withdrawFile } from '../../report/sinks/withdraw-file.ts';
import { SyncError } from '../../report/sync-error.ts';

const MODE = 0o600;

/** A place for a document that may not come to be: until it is written, what stood there before stays. */
export interface ReportPlace extends Disposable {
  write(text: string): void;
}

/** @throws SyncError USAGE */
export function openReportFile(file: string): ReportPlace {
  const wasThere = existsSync(file);
  let descriptor: number;
  try {
    descriptor = openSync(file, constants.O_WRONLY | constants.O_CREAT, MODE);
  } catch (caught) {
    const { message } = SyncError.from(caught);
    throw new SyncError('USAGE', `report: expected a file that can be written: ${message}`, {
      phase: 'start',
      hint: 'cyrus-sync fleet report FILE; - is standard output',
    });
  }
  let isWritten = false;
  return {
    write(text) {
      if (fstatSync(descriptor).isFile()) ftruncateSync(descriptor);
      writeFileSync(descriptor, text);
      isWritten = true;
    },
    [Symbol.dispose]() {
      if (!isWritten && !wasThere) withdrawFile(descriptor, file);
      closeSync(descriptor);
    },
  };
}
