import assert from 'node:assert/strict';
import test from 'node:test';
import { SyncError } from '../../../src/report/sync-error.ts';

function failingToClose(): Disposable {
  return {
    [Symbol.dispose]: () => {
      throw new Error('cannot be closed');
    },
  };
}

test('what failed first is the error, whatever else fails as things are closed after it', () => {
  const first = new SyncError('CONFIG', 'wrong', { hint: 'mend it' });
  try {
    using _one = failingToClose();
    using _another = failingToClose();
    throw first;
  } catch (caught) {
    assert.notEqual(caught, first);
    const { code, message, hint, phase } = SyncError.from(caught, { phase: 'start' });
    assert.deepEqual([code, message, hint, phase], ['CONFIG', 'wrong', 'mend it', 'start']);
  }
});

test('what fails as things are closed is the error where nothing failed before', () => {
  try {
    using _one = failingToClose();
  } catch (caught) {
    assert.deepEqual(
      [SyncError.from(caught).code, SyncError.from(caught).message],
      ['BUG', 'cannot be closed'],
    );
  }
});
