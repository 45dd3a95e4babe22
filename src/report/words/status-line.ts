import type { RunStatus } from '../events.ts';

/** One line, for the log and for whoever sent SIGUSR1. */
export function statusLine(status: RunStatus): string {
  const { state, reason, users, complete, synced, absent, locked, failed, left } = status;
  const { connections, connectionsMost, messages, octets, elapsedMs } = status;
  const done = users - left;
  const most = connectionsMost === null ? '' : ` most=<${connectionsMost.most}: ${connectionsMost.why}>`;
  return [
    `status: state=<${state}${reason === undefined ? '' : `: ${reason}`}> users=<${done}/${users}${complete ? '' : '+'}> synced=<${synced}> absent=<${absent}>`,
    `locked=<${locked}> failed=<${failed}> left=<${left}> connections=<${connections}>${most}`,
    `messages=<${messages}> octets=<${octets}> elapsed=<${(elapsedMs / 1000).toFixed(1)} s>`,
  ].join(' ');
}
