import { handleOnce } from '../../native/handle-once.ts';

/** Signals that ask a run to stop (algorithm 11.5). */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/**
 * The first stop signal aborts the signal returned, so that the run can end politely. The second ends the process at
 * once, by that very signal, so that the parent sees it: after the first there are no handlers any more, and the kernel
 * needs none of our threads, all of which may be waiting for a disk. SIGHUP is ignored as the C client does.
 */
export function listenForStop(): { signal: AbortSignal; stopListening(): void } {
  const controller = new AbortController();
  const ignore = () => {};
  const stop = () => {
    forget();
    controller.abort();
  };
  const forget = () => {
    for (const name of stopSignals) process.off(name, stop);
  };
  for (const name of stopSignals) process.on(name, stop);
  process.on('SIGHUP', ignore);
  const stopListening = () => {
    forget();
    process.off('SIGHUP', ignore);
  };
  return { signal: controller.signal, stopListening };
}

/**
 * Should the main thread be the one that waits for a disk, it does not even hear of the first: then too the second ends
 * the process. To be called while the listeners of `listenForStop` are there.
 *
 * @throws SyncError CONFIG
 */
export function endByTheSecond(): void {
  handleOnce(stopSignals);
}

/** SIGUSR1: somebody wants to know how things stand. Before and after, nothing comes of it. */
export function onStatusRequest(tell: () => void): Disposable {
  process.on('SIGUSR1', tell);
  return { [Symbol.dispose]: () => void process.off('SIGUSR1', tell) };
}

/** SIGHUP: files are to be opened anew and settings read again. Before and after it is ignored, as the C client does. */
export function onHangup(tell: () => void): Disposable {
  process.on('SIGHUP', tell);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', tell) };
}
