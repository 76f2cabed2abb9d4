/** Verdicts as text for people. */

import { formatReport } from '../sim/report.js';
import { worstUlp } from './summary.js';
import type { Failure, Verdict } from './types.js';

const element = (tensor: string, index: readonly number[]): string => `${tensor}[${index.join(', ')}]`;

export function formatFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'fault':
      return formatReport(failure.report);
    case 'value': {
      const { tensor, index, actual, expected, ulp, wrong, elements } = failure;
      const off = Number.isFinite(ulp) ? `, ${ulp.toPrecision(3)} units of the last place apart` : '';
      return `${element(tensor, index)} is ${actual} and should be ${expected}${off}; ${wrong} of ${elements} elements of ${tensor} are wrong`;
    }
    case 'unwritten':
      return `${element(failure.tensor, failure.index)} is never written`;
    case 'overwritten':
      return `${element(failure.tensor, failure.index)} is written, and the formula leaves it alone`;
    case 'stray':
      return `byte ${failure.byte} of ${failure.tensor}, between its rows, is written`;
    case 'doubt':
      return `rounding decides all but ${failure.sure} of ${failure.written} elements of ${failure.tensor}: nothing is proven of them; give the inputs \`usual\` values, or a formula that rounds where it must`;
    case 'batch':
      return `${element(failure.tensor, failure.index)}: ${failure.text}`;
    default:
      failure satisfies never;
      return '';
  }
}

/** A verdict in one line, and a line for each failure. */
export function formatVerdict({ id, passed, cases, batchInvariant }: Verdict): string {
  const failed = cases.filter(({ failures }) => failures.length > 0);
  const worst = worstUlp(cases);
  const batch = batchInvariant === undefined ? '' : batchInvariant ? ', batch invariant' : '';
  const head = passed
    ? `passed ${id}: ${cases.length} cases, at most ${worst.toPrecision(2)} ulp${batch}`
    : `failed ${id}: ${failed.length} of ${cases.length} cases`;
  return [
    head,
    ...failed.flatMap((each) => each.failures.map((failure) => `  ${each.name}: ${formatFailure(failure)}`)),
  ].join('\n');
}
