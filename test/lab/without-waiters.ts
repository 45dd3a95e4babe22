import type { CyrusServer } from './cyrus-server.ts';
import { LockWatch } from './lock-watch.ts';
import type { RunningTool } from './processes.ts';

/** A run of ours on this server, whose `result` rejects if any process of the server had to wait too long for a lock of the run. */
export function withoutWaiters(server: CyrusServer, command: string, tool: RunningTool): RunningTool {
  const watch = new LockWatch(server);
  const result = tool.result
    .finally(() => watch[Symbol.dispose]())
    .then((ended) => {
      watch.assertBearable(command);
      return ended;
    });
  // Whoever only waits for output still learns of a failure there.
  result.catch(() => undefined);
  return { ...tool, result };
}
