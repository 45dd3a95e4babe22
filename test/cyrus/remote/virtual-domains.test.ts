import test from 'node:test';
import { assertNothingLeft, assertSameMail } from '../../lab/assert-same-mail.ts';
import { startPair } from '../../lab/cyrus-server.ts';
import { openStranger } from '../../lab/open-stranger.ts';
import { openSides } from '../../lab/two-sides.ts';

test('-A copies mailboxes without a domain whose namesakes in a domain have folders', async () => {
  const domains = { virtdomains: 'userid', defaultdomain: 'example.net' };
  await using pair = await startPair({ both: { imapd: domains } });
  await using sides = await openSides(pair);
  for (const mailbox of [
    'user/anna@example.org',
    'user/anna/Sent@example.org',
    'user/anna',
    'user/anna/Sent',
    'user/bob',
    'shared@example.org',
    'shared/below@example.org',
    'shared',
    'shared/below',
  ]) {
    await sides.master.create(mailbox, ['one', 'two']);
  }
  await using stranger = await openStranger(pair.master, pair.replica, { imapd: domains });
  await stranger.runOk(['-A']);
  await assertNothingLeft(pair);
  await assertSameMail(pair.master, pair.replica, ['anna', 'anna@example.org', 'bob']);
});
