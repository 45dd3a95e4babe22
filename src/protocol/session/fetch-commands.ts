import { encodeGuid, encodeKvlist, encodeNumber, encodeString } from '../dlist/encode.ts';
import { DlistFile } from '../dlist/value.ts';
import { MAX_ANSWER_OCTETS, MAX_FETCHED_MESSAGE_OCTETS } from '../limits.ts';
import type { CommandQueue } from '../link/command-queue.ts';
import type { ReplicaSession } from '../replica-session.ts';
import { requireMap, requireText, unasked, unusable } from './fields.ts';
import { dispatch } from './untagged.ts';

type FetchCommands = Pick<ReplicaSession, 'fetchMessage' | 'fetchSieve'>;

/** GET FETCH and GET FETCH_SIEVE: answers with bodies (protocol 9). The server does not check the GUID. */
export function fetchCommands(queue: CommandQueue): FetchCommands {
  return {
    fetchMessage(what) {
      let content: Buffer | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'FETCH',
        mailbox: what.mailbox,
        args: () =>
          `FETCH ${encodeKvlist([
            ['MBOXNAME', encodeString(what.mailbox)],
            ['PARTITION', encodeString(what.partition)],
            ['UNIQUEID', encodeString(what.uniqueid)],
            ['GUID', encodeGuid(what.guid)],
            ['UID', encodeNumber(what.uid)],
          ])}`,
        valueOptions: {
          maxFileOctets: MAX_FETCHED_MESSAGE_OCTETS,
          maxMemoryOctets: MAX_FETCHED_MESSAGE_OCTETS + MAX_ANSWER_OCTETS,
        },
        untagged: dispatch({
          MESSAGE: (value) => {
            if (!(value instanceof DlistFile)) throw unusable('MESSAGE as %{...}', value);
            if (value.guid !== what.guid) throw unasked('the message', value.guid);
            content = value.content;
          },
        }),
        result: () => {
          if (content === undefined) throw unusable('MESSAGE', undefined);
          return content;
        },
      });
    },

    fetchSieve(userid, filename) {
      let content: Buffer | undefined;
      return queue.submit({
        verb: 'GET',
        name: 'FETCH_SIEVE',
        args: () =>
          `FETCH_SIEVE ${encodeKvlist([
            ['USERID', encodeString(userid)],
            ['FILENAME', encodeString(filename)],
          ])}`,
        valueOptions: { hideLiterals: true },
        untagged: dispatch({
          SIEVE: (value) => {
            content = Buffer.from(requireText(requireMap(value, 'SIEVE'), 'CONTENT'), 'latin1');
          },
        }),
        result: () => {
          if (content === undefined) throw unusable('SIEVE', undefined);
          return content;
        },
      });
    },
  };
}
