import type { FailureFile } from '../report/failure-file.ts';
import type { ReportFile } from '../report/report-file.ts';
import { programVersion } from './program-version.ts';
import type { RunPlan } from './run-plan.ts';

/** What a run leaves behind in files that the command line named. Disposing of it before the run has begun leaves nothing. */
export interface OutputFiles {
  failureFile?: FailureFile | undefined;
  reportFile?: ReportFile | undefined;
}

/**
 * Opens them as the caller, who has named the places.
 *
 * @param program as it is called
 * @throws SyncError USAGE
 */
export async function openOutputFiles(
  { output, channel }: Pick<RunPlan, 'output' | 'channel'>,
  program: string,
): Promise<OutputFiles & Disposable> {
  let failureFile: FailureFile | undefined;
  let reportFile: ReportFile | undefined;
  if (output.failureList !== undefined) {
    const { FailureFile } = await import('../report/failure-file.ts');
    failureFile = FailureFile.open(output.failureList.path, output.failureList.option);
  }
  if (output.reportPath !== undefined) {
    const { ReportFile } = await import('../report/report-file.ts');
    const started = new Date().toISOString();
    try {
      reportFile = ReportFile.open(output.reportPath, {
        ...{ program, programVersion: programVersion(), channel: channel ?? null, started },
      });
    } catch (caught) {
      failureFile?.[Symbol.dispose]();
      throw caught;
    }
  }
  return {
    failureFile,
    reportFile,
    [Symbol.dispose]() {
      failureFile?.[Symbol.dispose]();
      reportFile?.[Symbol.dispose]();
    },
  };
}
