import type { ReportFile } from '../../report/document/report-file.ts';
import type { ReportFormat } from '../../report/document/report-format.ts';
import { programVersion } from '../arguments/program-version.ts';
import type { RunPlan } from '../run-plan/run-plan.ts';

/** The files that the command line named for a run to leave behind. Disposing of it before the run has begun leaves nothing. */
export interface OutputFiles {
  files?: readonly ReportFile[];
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
  const wanted: [option: string, path: string, format: ReportFormat][] = [];
  if (output.failureList !== undefined) {
    const { failureList } = await import('../../report/document/failure-list.ts');
    wanted.push(['--failures', output.failureList.path, failureList(output.failureList.option)]);
  }
  if (output.reportPath !== undefined) {
    const { csvFormat, jsonFormat } = await import('../../report/document/report-format.ts');
    const isCsv = output.reportPath.toLowerCase().endsWith('.csv');
    wanted.push(['--report', output.reportPath, isCsv ? csvFormat : jsonFormat]);
  }
  const files: ReportFile[] = [];
  const dispose = (): void => {
    for (const file of files) file[Symbol.dispose]();
  };
  if (wanted.length === 0) return { files, [Symbol.dispose]: dispose };
  const { ReportFile } = await import('../../report/document/report-file.ts');
  const started = new Date().toISOString();
  const head = { program, programVersion: programVersion(), channel: channel ?? null, started };
  try {
    for (const [option, path, format] of wanted) files.push(ReportFile.open(option, path, format, head));
  } catch (caught) {
    dispose();
    throw caught;
  }
  return { files, [Symbol.dispose]: dispose };
}
