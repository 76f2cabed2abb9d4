import { expect, test } from '@jest/globals';
import { Doubt } from '../../../src/verify/doubt.js';
import { formatFailure } from '../../../src/verify/index.js';

test('a tensor of which ordinary rows prove less than half is a failure, if they write enough', () => {
  const doubt = new Doubt();
  doubt.add('half', { written: 10, sure: 5 });
  doubt.add('few', { written: 7, sure: 0 });
  doubt.add('less', { written: 4, sure: 0 });
  doubt.add('less', { written: 6, sure: 4 });
  expect(doubt.failures).toEqual([{ kind: 'doubt', tensor: 'less', sure: 4, written: 10 }]);
  expect(formatFailure(doubt.failures[0]!)).toContain('all but 4 of 10 elements of less');
});
