import { describe, expect, test } from '@jest/globals';
import { RoseError, closest } from '../../src/util/errors.js';

describe('RoseError', () => {
  test('shows the place with a caret under the offending characters', () => {
    const error = new RoseError({
      code: 'SPEC_DTYPE',
      message: 'unknown dtype "bf15"',
      place: { file: 'a.yaml', line: 7, column: 8, length: 4, text: 'dtype: bf15' },
      actual: 'bf15',
      expected: 'one of bf16, f16',
      next: 'write bf16',
    });
    expect(error.format()).toBe(
      [
        'error[SPEC_DTYPE]: unknown dtype "bf15"',
        '  --> a.yaml:7:8',
        '     |',
        '   7 | dtype: bf15',
        '     |        ^^^^',
        '  actual:   bf15',
        '  expected: one of bf16, f16',
        '  next:     write bf16',
      ].join('\n'),
    );
  });

  test('closest finds a near miss and refuses a far one', () => {
    expect(closest('hiden', ['hidden', 'tokens'])).toBe('hidden');
    expect(closest('zzzzzz', ['hidden', 'tokens'])).toBeUndefined();
  });
});
