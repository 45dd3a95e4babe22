/** A line of what the program must show. */
export interface Target {
  text: string;
  least: string;
  found: string;
  met: boolean | undefined;
}
