import { listOf } from '../wire/fields.ts';
import type { Handler } from './command-context.ts';

/** APPLY CAPABILITIES: tells which of the names are on now. */
export const applyCapabilities: Handler = (context, value) => {
  const wanted = listOf(value);
  const enabled = context.enableable.filter((name) =>
    wanted.some((item) => typeof item === 'string' && item.toUpperCase() === name),
  );
  if (enabled.includes('SIEVE-MAILBOX')) context.session.sieveMailbox = true;
  context.send(`* ENABLED (${enabled.join(' ')})\r\n`);
};

export const applyForce: Handler = (context) => {
  if (context.session.force) context.log('force already enabled');
  context.session.force = true;
};
