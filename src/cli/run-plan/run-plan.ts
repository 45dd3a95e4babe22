import type { RunRequest } from '../../coordinator/run/run-request.ts';
import type { OutputPlan } from '../../report/output-plan.ts';
import type { PlanWarning } from './channel-warnings.ts';
import type { OperatePlan } from './operate-plan.ts';
import type { WebPlan } from './web-plan.ts';

export type { RunMode } from '../../coordinator/run/run-request.ts';
export type { OutputPlan } from '../../report/output-plan.ts';

/** Everything one invocation is to do, decided before anything is opened. Frozen. */
export interface RunPlan extends RunRequest {
  channel: string | undefined;
  /** Warnings of what in the configuration is hardly meant; told before anything is done. */
  warnings: PlanWarning[];
  /** -w, seconds. */
  startDelaySeconds: number;
  /** Whom to become when started as root. */
  identity: IdentityPlan;
  output: OutputPlan;
  operate: OperatePlan;
  /** undefined: nobody is to look on over a port. */
  web: WebPlan | undefined;
  exitCodes: 'classic' | 'extended';
}

export interface IdentityPlan {
  user: string;
  /** undefined = the user's own group. */
  group: string | undefined;
}
