/** What asks a run to stop (algorithm section 11.5). */
const stopSignals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const;

/**
 * The first stop signal aborts the signal returned, so that the run can end politely. The second ends the process at
 * once, by that very signal, so that the parent sees it. SIGHUP is ignored as the C client does.
 */
export function listenForStop(): { signal: AbortSignal; stopListening(): void } {
  const controller = new AbortController();
  const stop = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      controller.abort();
      return;
    }
    stopListening();
    process.kill(process.pid, name);
  };
  const ignore = () => {};
  const stopListening = () => {
    for (const name of stopSignals) process.off(name, stop);
    process.off('SIGHUP', ignore);
  };
  for (const name of stopSignals) process.on(name, stop);
  process.on('SIGHUP', ignore);
  return { signal: controller.signal, stopListening };
}
