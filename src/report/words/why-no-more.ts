import type { WhyNoMore } from '../events.ts';

/** Ends a sentence that says how many connections there were. */
const WORDS: Record<WhyNoMore, string> = {
  asked: 'as many as there may be',
  jobs: 'there was no work for more',
  begin: 'the rest was too little to be worth more',
  'pays-not': 'more would not have been faster',
  'host-busy': 'this host had no processor for more',
  'replica-full': 'the replica takes no more',
  'open-files': 'this process may open no more files',
};

export function whyNoMore(why: WhyNoMore): string {
  return WORDS[why];
}
