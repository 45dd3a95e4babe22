import { type ImapdConfig, readImapdConfig } from '../../config/imapd-config.ts';
import { masterLink } from '../../coordinator/pool/master-link.ts';
import { EXIT_FAILED, EXIT_OK, exitCodeOfError } from '../../coordinator/run/exit-codes.ts';
import { mostConnections } from '../../coordinator/run/growth.ts';
import { chooseLocks } from '../../native/locks.ts';
import { checkSite } from '../../preflight/check-site.ts';
import { type Finding, worstOf } from '../../preflight/finding.ts';
import type { Site } from '../../preflight/site.ts';
import { surveyStore } from '../../preflight/survey-store.ts';
import { connectReplica } from '../../protocol/connect/connect-replica.ts';
import { printable, printableBytes } from '../../report/printable.ts';
import { asItIs, codedReason } from '../../report/reasons.ts';
import type { SpellMailbox } from '../../report/spell-mailbox.ts';
import { SyncError } from '../../report/sync-error.ts';
import { checkSyncLog } from '../../rolling/daemon/check-sync-log.ts';
import { syncLogPath } from '../../rolling/log/sync-log.ts';
import { openMasterStore } from '../../store/open-master-store.ts';
import { externalName } from '../../store/paths/external-name.ts';
import type { Arguments } from '../arguments/arguments.ts';
import { becomeCyrusUser } from '../run-plan/become-cyrus-user.ts';
import { planRun } from '../run-plan/plan-run.ts';
import type { RunPlan } from '../run-plan/run-plan.ts';
import { checkProgramReadable } from '../start/check-program-readable.ts';
import { onStatusRequest } from '../start/signals.ts';
import { complain, printJson, printLines } from './print.ts';

export interface CheckOptions {
  probe: boolean;
  json: boolean;
}

/** A reader of one version understands all that is said in it; fields may be added within a version. */
const VERSION = 1;

/** @returns the exit code */
export async function carryOutCheck(
  args: Arguments,
  { probe, json }: CheckOptions,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<number> {
  const findings: Finding[] = [];
  using _status = onStatusRequest(() =>
    complain(
      `cyrus-sync: status: state=<checking> findings=<${findings.length}> last=<${findings.at(-1)?.check ?? ''}>`,
    ),
  );
  const tell = (found: readonly Finding[]): void => {
    signal.throwIfAborted();
    findings.push(...found);
    if (!json) printLines(found.map(findingLine));
  };
  let spellMailbox: SpellMailbox = asItIs;
  const failed = (check: string, caught: unknown): SyncError => {
    const error = SyncError.from(caught);
    tell([
      {
        check,
        verdict: 'problem',
        text: printableBytes(codedReason(error.toData(), spellMailbox)),
        advice: error.hint,
      },
    ]);
    return error;
  };
  const end = (code: number): number => {
    if (json) printJson(document(findings), 1);
    return code;
  };
  let plan: RunPlan;
  let config: ImapdConfig;
  try {
    config = readImapdConfig(args.configFile, environment);
    // The check is that of a run for everybody, and of one with -p where that is asked for.
    plan = planRun({ ...args, mode: args.partition === undefined ? 'all' : 'users' }, environment);
    becomeCyrusUser(plan.identity);
    checkProgramReadable(plan.identity.user);
  } catch (caught) {
    return end(exitCodeOfError(failed('configuration', caught).code));
  }
  const { setup, channel } = plan;
  spellMailbox = (internal) => externalName(setup.layout, internal);
  chooseLocks(setup.locks);
  const store = openMasterStore(setup.layout);
  const master = masterLink(setup.master, setup.connection, connectReplica, () => {});
  try {
    const site: Site = {
      layout: setup.layout,
      spellMailbox,
      locks: setup.locks,
      now: Date.now(),
      remarks: plan.warnings,
      logRemarks: checkSyncLog(
        { syncLog: config.switch('sync_log'), syncLogChannels: config.text('sync_log_channels') },
        channel,
      ),
      logPath: syncLogPath(setup.layout.configdirectory, channel),
      server: setup.connection.server,
      partition: setup.options.partition,
      connections: mostConnections(plan.connections),
      store,
      survey: await surveyStore(store),
      connect: (milliseconds) => {
        const { connectTimeoutMs } = setup.connection;
        return connectReplica({ ...setup.connection, connectTimeoutMs: milliseconds ?? connectTimeoutMs });
      },
      masterBanner: master && (async () => (await master.connect()).session.info.banner),
      probe,
    };
    await checkSite(site, tell);
  } catch (caught) {
    if (signal.aborted) throw new SyncError('CANCELLED', 'the check was stopped');
    failed('mailboxes', caught);
  } finally {
    store.close();
    await master?.close();
  }
  return end(worstOf(findings) === 'problem' ? EXIT_FAILED : EXIT_OK);
}

function findingLine({ check, verdict, text, advice }: Finding): string {
  const said = advice === undefined ? text : `${text} (${advice})`;
  return `${verdict.padEnd(8)} ${check}: ${printable(said)}`;
}

function document(findings: readonly Finding[]): object {
  const shown = findings.map(({ check, verdict, text, advice }) => ({
    check,
    verdict,
    text: printable(text),
    advice: advice === undefined ? null : printable(advice),
  }));
  return {
    schema: 'cyrus-sync-check',
    version: VERSION,
    verdict: worstOf(findings),
    findings: shown,
  };
}
