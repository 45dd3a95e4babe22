import { openNotifySocket } from '../../native/notify-socket.ts';

const MICROSECONDS_PER_MS = 1_000;

/** The service manager that has started this program and wants to know how it is: systemd with Type=notify, or one that speaks like it. */
export interface ServiceManager extends Disposable {
  /**
   * @param status for people, in `systemctl status`
   * @throws SyncError IO, since who has not been told waits for it
   */
  ready(status: string): void;
  stopping(): void;
}

/**
 * Finds the service manager, if there is one, and from then on tells it at half of the time that it has set that the main
 * thread is not stuck (sd_watchdog_enabled(3)).
 *
 * @throws SyncError IO for an address that is none, or that nobody listens on
 */
export function findServiceManager(environment: NodeJS.ProcessEnv): ServiceManager | undefined {
  const { NOTIFY_SOCKET: path, WATCHDOG_USEC: microseconds, WATCHDOG_PID: watched } = environment;
  if (path === undefined || path === '') return undefined;
  const socket = openNotifySocket(path);
  const isWatched = watched === undefined || watched === String(process.pid);
  const periodMs = isWatched ? Number(microseconds ?? 0) / MICROSECONDS_PER_MS / 2 : 0;
  const tell = (state: string): void => {
    try {
      socket.send(state);
    } catch {
      // It may be full or being restarted: of being alive it is told again before it loses patience, and that this ends
      // it sees by itself.
    }
  };
  const timer = periodMs >= 1 ? setInterval(tell, periodMs, 'WATCHDOG=1').unref() : undefined;
  return {
    ready: (status) => socket.send(`READY=1\nSTATUS=${status}`),
    stopping: () => tell('STOPPING=1'),
    [Symbol.dispose]() {
      clearInterval(timer);
      socket.close();
    },
  };
}
