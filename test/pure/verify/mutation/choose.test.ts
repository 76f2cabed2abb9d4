/** Which candidates are taken, and the score of what became of them. */

import { describe, expect, it } from '@jest/globals';
import {
  balanced,
  mutantId,
  scoreOf,
  scoreTable,
  type Mutant,
  type MutantResult,
} from '../../../../src/verify/mutation/index.js';

function mutant(kernel: string, operator: string, line: number, after = `${operator} ${line}`): Mutant {
  const fields = {
    level: 'ptx',
    kernel,
    variant: `${kernel}.sm90`,
    operator,
    line,
    before: 'x',
    after,
  } as const;
  return { ...fields, id: mutantId(fields) };
}

const CANDIDATES = ['a', 'b', 'c'].flatMap((kernel) => [
  ...Array.from({ length: 50 }, (_, i) => mutant(kernel, 'common', i)),
  ...Array.from({ length: 2 }, (_, i) => mutant(kernel, 'rare', i)),
]);

describe('choosing mutants', () => {
  it('spreads them over operators and kernels', () => {
    const first = [...balanced(CANDIDATES, 7)].slice(0, 12);
    const counts = new Map<string, number>();
    for (const { kernel, operator } of first)
      counts.set(`${kernel} ${operator}`, (counts.get(`${kernel} ${operator}`) ?? 0) + 1);
    expect([...counts.values()]).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it('takes each candidate once', () => {
    const all = [...balanced(CANDIDATES, 7)];
    expect(new Set(all.map(({ id }) => id)).size).toBe(CANDIDATES.length);
    expect(all).toHaveLength(CANDIDATES.length);
  });

  it('takes the same change once, whichever operators make it', () => {
    const same = [
      mutant('a', 'one', 3, 'text'),
      mutant('a', 'two', 3, 'text'),
      mutant('a', 'two', 4, 'text'),
    ];
    expect([...balanced(same, 1)].map(({ line }) => line).sort()).toEqual([3, 4]);
  });

  it('gives the same for a seed and another for another', () => {
    const ids = (seed: number): readonly string[] => [...balanced(CANDIDATES, seed)].map(({ id }) => id);
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
  });
});

describe('the score', () => {
  const results: readonly MutantResult[] = [
    { ...mutant('a', 'one', 1), outcome: 'caught', by: 'value' },
    { ...mutant('a', 'one', 2), outcome: 'caught', by: 'SIM_LIMIT' },
    { ...mutant('b', 'one', 3), outcome: 'survived', equivalent: 'the PTX is the same' },
    { ...mutant('b', 'two', 4), outcome: 'survived', by: 'it ran for a minute' },
  ];

  it('counts caught of all, and of all without the proven', () => {
    const { total, byOperator, byKernel, byCause } = scoreOf(results);
    expect(total).toEqual({
      name: 'all',
      mutants: 4,
      caught: 2,
      survived: 2,
      equivalent: 1,
      raw: 0.5,
      adjusted: 2 / 3,
    });
    expect(byOperator.map(({ name, caught, mutants }) => [name, caught, mutants])).toEqual([
      ['one', 2, 3],
      ['two', 0, 1],
    ]);
    expect(byKernel.map(({ name, raw }) => [name, raw])).toEqual([
      ['a', 1],
      ['b', 0],
    ]);
    expect(byCause).toEqual({ SIM_LIMIT: 1, value: 1 });
  });

  it('prints as a table', () => {
    expect(scoreTable('operator', scoreOf(results).byOperator).split('\n').slice(2)).toEqual([
      '| one | 3 | 2 | 1 | 1 | 66.7 % | 100.0 % |',
      '| two | 1 | 0 | 1 | 0 | 0.0 % | 0.0 % |',
    ]);
  });
});
