/** Agents of one process that only pretend to move users. */
export interface PretendSettings {
  queue: string;
  /** Number of the first; agents of all processes are counted on. */
  first: number;
  agents: number;
  agentsOfAMaster: number;
  sliceSeconds: number;
}
