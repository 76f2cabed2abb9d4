/** Results of mutants -> the score, by operator and by kernel. */

import type { Mutant } from './mutant.js';

export interface MutantResult extends Mutant {
  readonly outcome: 'caught' | 'survived';
  /** What caught it: the kind of fault, `value`, or the code of an error. */
  readonly by?: string;
  /** The proof that it computes what the original does. */
  readonly equivalent?: string;
}

export interface ScoreRow {
  readonly name: string;
  readonly mutants: number;
  readonly caught: number;
  readonly survived: number;
  /** Survivors that are proven equivalent. */
  readonly equivalent: number;
  /** Caught of all. */
  readonly raw: number;
  /** Caught of those that are not proven equivalent. */
  readonly adjusted: number;
}

export interface Score {
  readonly total: ScoreRow;
  readonly byOperator: readonly ScoreRow[];
  readonly byKernel: readonly ScoreRow[];
  readonly byCause: Readonly<Record<string, number>>;
}

export function scoreOf(results: readonly MutantResult[]): Score {
  return {
    total: row('all', results),
    byOperator: grouped(results, ({ operator }) => operator),
    byKernel: grouped(results, ({ kernel }) => kernel),
    byCause: Object.fromEntries(
      groups(
        results.filter(({ outcome, by }) => outcome === 'caught' && by !== undefined),
        ({ by }) => by!,
      ).map(([cause, members]) => [cause, members.length]),
    ),
  };
}

function row(name: string, results: readonly MutantResult[]): ScoreRow {
  const mutants = results.length;
  const caught = results.filter(({ outcome }) => outcome === 'caught').length;
  const equivalent = results.filter(
    (each) => each.outcome === 'survived' && each.equivalent !== undefined,
  ).length;
  const share = (all: number): number => (all === 0 ? 1 : caught / all);
  return {
    name,
    mutants,
    caught,
    survived: mutants - caught,
    equivalent,
    raw: share(mutants),
    adjusted: share(mutants - equivalent),
  };
}

function groups(
  results: readonly MutantResult[],
  keyOf: (result: MutantResult) => string,
): readonly (readonly [string, readonly MutantResult[]])[] {
  const found = new Map<string, MutantResult[]>();
  for (const result of results) found.set(keyOf(result), [...(found.get(keyOf(result)) ?? []), result]);
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1));
}

const grouped = (
  results: readonly MutantResult[],
  keyOf: (result: MutantResult) => string,
): readonly ScoreRow[] => groups(results, keyOf).map(([name, members]) => row(name, members));

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** A Markdown table with a line for each row. */
export function scoreTable(title: string, rows: readonly ScoreRow[]): string {
  return [
    `| ${title} | mutants | caught | survived | proven equivalent | raw | without equivalents |`,
    '|---|--:|--:|--:|--:|--:|--:|',
    ...rows.map(
      ({ name, mutants, caught, survived, equivalent, raw, adjusted }) =>
        `| ${name} | ${mutants} | ${caught} | ${survived} | ${equivalent} | ${percent(raw)} | ${percent(adjusted)} |`,
    ),
  ].join('\n');
}
