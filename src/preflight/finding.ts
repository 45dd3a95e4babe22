/** The result of one check. Only what is certain is `ok`. */
export interface Finding {
  /** Which check: a word or two, the same in each release. */
  check: string;
  verdict: 'ok' | 'warning' | 'problem';
  text: string;
  /** Advice on what to do about it. */
  advice?: string | undefined;
}

export function worstOf(findings: readonly Finding[]): Finding['verdict'] {
  if (findings.some(({ verdict }) => verdict === 'problem')) return 'problem';
  return findings.some(({ verdict }) => verdict === 'warning') ? 'warning' : 'ok';
}
