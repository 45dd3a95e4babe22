import { shownValue } from '../../report/shown-value.ts';
import { isRefusal } from './control-request.ts';

/** Either what was asked for, or why it was not told. */
export type ReadAnswer = { answer: unknown; error?: undefined } | { answer?: undefined; error: string };

/** Octets of an answer that is none, as far as an error shows them. */
const SHOWN = 80;
const REFUSED = 'error: ';

/** Takes apart what a run of any version has answered: to a request for JSON one may refuse in text all the same. */
export function readControlAnswer(text: string, json: boolean): ReadAnswer {
  if (text.startsWith(REFUSED)) return { error: text.slice(REFUSED.length) };
  if (!json) return { answer: text };
  const document = parsed(text);
  if (!isRefusal(text) && 'answer' in document) return { answer: document.answer };
  if (typeof document.error === 'string') return { error: document.error };
  return { error: `expected an answer in JSON, found ${shownValue(text.slice(0, SHOWN))}` };
}

function parsed(text: string): { answer?: unknown; error?: unknown } {
  try {
    const document: unknown = JSON.parse(text);
    return typeof document === 'object' && document !== null ? document : {};
  } catch {
    return {};
  }
}
