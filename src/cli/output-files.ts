import type { FailureFile } from '../report/failure-file.ts';
import type { ReportFile } from '../report/report-file.ts';
import type { RunPlan } from './run-plan.ts';
import { programVersion } from './version.ts';

/** What a run leaves behind in files that the command line named. */
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
): Promise<OutputFiles> {
  const files: OutputFiles = {};
  if (output.failureList !== undefined) {
    const { FailureFile } = await import('../report/failure-file.ts');
    files.failureFile = FailureFile.open(output.failureList.path, output.failureList.option);
  }
  if (output.reportPath !== undefined) {
    const { ReportFile } = await import('../report/report-file.ts');
    const started = new Date().toISOString();
    files.reportFile = ReportFile.open(output.reportPath, {
      ...{ program, programVersion: programVersion(), channel: channel ?? null, started },
    });
  }
  return files;
}
