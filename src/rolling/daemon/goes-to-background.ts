export interface RollingStart {
  /** -r; -R and -1 stay in the foreground. */
  rolling: 'background' | 'foreground' | 'once';
  /** -f */
  inputFile: string | undefined;
  /** CYRUS_ISDAEMON: cyrmaster started us as a daemon of its own and watches this very process. */
  isDaemon: string | undefined;
}

/** Decides whether to go on as a background process and let the caller have its prompt back (algorithm 1). */
export function goesToBackground(start: RollingStart): boolean {
  return start.rolling === 'background' && start.inputFile === undefined && start.isDaemon === undefined;
}
