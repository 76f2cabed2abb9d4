import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { loadSpec } from '../../../../src/spec/index.js';
import { bindKernel } from '../../../../src/spec/index.js';
import { packagePath } from '../../../../src/util/package-root.js';
import { grid } from '../../../../src/verify/reference/grid.js';
import { pickAlong, selectAlong } from '../../../../src/verify/reference/selection.js';
import { rolesOf } from '../../../../src/verify/roles.js';

const row = (values: readonly number[], error?: readonly number[]) =>
  grid(['n'], [values.length], Float64Array.from(values), error && Float64Array.from(error));
const select = (fn: 'top' | 'bottom', values: readonly number[], k: number, error?: readonly number[]) =>
  selectAlong(fn, row(values, error), 'n', { axis: 'k', extent: k });
const positions = (...args: Parameters<typeof select>) => [...select(...args).values];

describe('a selection in the reference', () => {
  test('goes by value, then by position; NaN is the largest, and -0 is 0', () => {
    expect(positions('top', [1, 3, 2, 3], 4)).toEqual([1, 3, 2, 0]);
    expect(positions('bottom', [1, 3, 2, 3, 1], 5)).toEqual([0, 4, 2, 1, 3]);
    expect(positions('top', [Infinity, NaN, -Infinity, NaN], 4)).toEqual([1, 3, 0, 2]);
    expect(positions('bottom', [Infinity, NaN, -Infinity, NaN], 4)).toEqual([2, 0, 1, 3]);
    expect(positions('top', [-0, 0, -0, 0], 4)).toEqual([0, 1, 2, 3]);
  });

  test('is a stable sort of exact values', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: 1, maxLength: 20 }), (values) => {
        const wanted = values.map((_, i) => i).sort((a, b) => values[b]! - values[a]! || a - b);
        expect(positions('top', values, values.length)).toEqual(wanted);
      }),
    );
  });

  test('takes what is left out last, whatever it is; a condition in doubt leaves nothing certain', () => {
    const among = (values: readonly number[], allowed: readonly number[], error?: readonly number[]) => {
      const slots = { axis: 'k', extent: values.length };
      return selectAlong('top', row(values), 'n', slots, row(allowed, error));
    };
    expect([...among([9, 1, NaN, -Infinity, 2], [0, 1, 0, 1, 1]).values]).toEqual([4, 1, 3, 0, 2]);
    expect([...among([9, 1, 2], [0, 1, 1], [0, 0, 0]).error!]).toEqual([0, 0, 0]);
    expect([...among([9, 1, 2], [0, 1, 1], [0, 1, 0]).error!]).toEqual([Infinity, Infinity, Infinity]);
  });

  test('is in doubt where rounding could change it, there alone', () => {
    const doubt = [...select('top', [5, 1, 4, 4.1, 2], 5, [0, 0.3, 0.3, 0.3, 0.3]).error!];
    expect(doubt).toEqual([0, Infinity, Infinity, 0, 0]);
    // The same computation gives a kernel equal values too.
    expect([...select('top', [1, 1, 1], 3, [0.1, 0.1, 0.1]).error!]).toEqual([0, 0, 0]);
    expect([...select('top', [1, 1, 1], 3, [0.1, 0.2, 0.1]).error!]).toContain(Infinity);
    expect([...select('bottom', [1, 1.05, 9], 3, [0.1, 0, 0]).error!]).toEqual([Infinity, Infinity, 0]);
  });

  test('passes its doubt on to what is read there', () => {
    const extentOf = (axis: string) => (axis === 'k' ? 2 : 3);
    const chosen = select('top', [4, 1, 4.1], 2, [0.3, 0.3, 0.3]);
    const read = pickAlong(row([10, 20, 30], [1, 2, 3]), 'n', chosen, extentOf);
    expect([[...read.values], [...read.error!]]).toEqual([
      [30, 10],
      [Infinity, Infinity],
    ]);
    const sure = pickAlong(row([10, 20, 30], [1, 2, 3]), 'n', select('top', [4, 1, 5], 2), extentOf);
    expect([[...sure.values], [...sure.error!]]).toEqual([
      [30, 10],
      [3, 1],
    ]);
  });

  test('makes no index of what it compares', async () => {
    const spec = await loadSpec(packagePath('specs/topk.yaml'));
    const bound = bindKernel(spec, {
      dims: { cols: 8, k: 2 },
      types: { T: 'f32' },
      flags: { smallest: false, ragged: false },
    });
    expect([...rolesOf(bound).indices.keys()]).toEqual([]);
  });
});
