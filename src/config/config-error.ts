import { SyncError } from '../report/sync-error.ts';

/** Where a setting stands. */
export interface Position {
  file: string;
  /** 1-based; the first physical line of a joined one. */
  line: number;
}

export function placeText(place: Position): string {
  return `${place.file}:${place.line}`;
}

export function configError(
  where: Position | string,
  problem: string,
  hint?: string,
  cause?: unknown,
): SyncError {
  const place = typeof where === 'string' ? where : placeText(where);
  return new SyncError('CONFIG', `${place}: ${problem}`, { phase: 'start', hint, cause });
}
