import fc from 'fast-check';
import { selectShard, shard, type PlannedVariant } from '../../../src/plan/index.js';
import { roseError } from './helpers.js';

function variant(id: string): PlannedVariant {
  const binding = { dims: {}, types: {}, flags: {} };
  return { id, kernel: 'k', binding, arch: 'sm90', phase: 'decode', pdl: true, reasons: ['r'] };
}

const plans = fc
  .uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { maxLength: 40 })
  .map((ids) => ({ variants: ids.map(variant) }));
const costsOf = (ids: readonly string[]): fc.Arbitrary<ReadonlyMap<string, number>> =>
  fc
    .array(fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }), {
      minLength: ids.length,
      maxLength: ids.length,
    })
    .map((costs) => new Map(ids.flatMap((id, i) => (costs[i] === undefined ? [] : [[id, costs[i]]]))));
const cases = plans.chain((whole) =>
  fc.record({
    whole: fc.constant(whole),
    n: fc.integer({ min: 1, max: 12 }),
    costs: costsOf(whole.variants.map(({ id }) => id)),
  }),
);

test('the shards are exactly the plan', () => {
  fc.assert(
    fc.property(cases, ({ whole, n, costs }) => {
      const shards = shard(whole, n, costs);
      expect(shards).toHaveLength(n);
      const ids = shards.flat().map(({ id }) => id);
      expect([...ids].sort()).toEqual(whole.variants.map(({ id }) => id).sort());
    }),
    { numRuns: 1000 },
  );
});

test('the same plan in another order gives the same shards', () => {
  fc.assert(
    fc.property(cases, ({ whole, n, costs }) => {
      const sets = (variants: readonly PlannedVariant[]) =>
        shard({ variants }, n, costs).map((part) => part.map(({ id }) => id).sort());
      expect(sets([...whole.variants].reverse())).toEqual(sets(whole.variants));
    }),
  );
});

test('no shard has more than 4/3 of the least possible, as far as that is known', () => {
  fc.assert(
    fc.property(cases, ({ whole, n, costs }) => {
      const cost = ({ id }: PlannedVariant): number => costs.get(id) ?? 0.1;
      const loads = shard(whole, n, costs).map((part) => part.reduce((sum, one) => sum + cost(one), 0));
      const total = loads.reduce((sum, load) => sum + load, 0);
      const longest = Math.max(0, ...whole.variants.map(cost));
      // List scheduling: the last one given to the fullest shard found it no fuller than the mean of all.
      expect(Math.max(...loads)).toBeLessThanOrEqual(total / n + longest + 1e-9);
    }),
  );
});

test('recorded costs are balanced, and without them the counts are', () => {
  const whole = { variants: ['a', 'b', 'c', 'd', 'e'].map(variant) };
  const costs = new Map([
    ['a', 4],
    ['b', 3],
    ['c', 2],
    ['d', 2],
    ['e', 1],
  ]);
  const ids = (parts: readonly (readonly PlannedVariant[])[]) =>
    parts.map((part) => part.map(({ id }) => id).join(''));
  expect(ids(shard(whole, 2, costs))).toEqual(['ad', 'bce']);
  expect(ids(shard(whole, 2)).map((part) => part.length)).toEqual([3, 2]);
  expect(ids(shard(whole, 7))).toEqual(['a', 'b', 'c', 'd', 'e', '', '']);
  expect(ids(shard(whole, 2, new Map([['a', Number.NaN]])))).toEqual(ids(shard(whole, 2)));
});

test('a shard is chosen as i/n', async () => {
  expect(selectShard('2/4')).toEqual({ index: 2, count: 4 });
  expect(selectShard(' 1 / 1 ')).toEqual({ index: 1, count: 1 });
  for (const text of ['', '2', '0/4', '5/4', '1/0', '-1/4', '1.5/4', '1/4/2', 'a/b', '1/99999999999']) {
    expect(await roseError(() => selectShard(text))).toMatchObject({ code: 'USAGE' });
  }
  for (const n of [0, -1, 1.5, Number.NaN, 1e9]) {
    expect(await roseError(() => shard({ variants: [] }, n))).toMatchObject({ code: 'USAGE' });
  }
});
