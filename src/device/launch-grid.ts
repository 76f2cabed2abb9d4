/** Launch rule + dims of a call -> grid, or the knowledge that there is nothing to launch. */

import { RoseError } from '../util/errors.js';
import { evaluateExpr, printExpr, type LaunchValues } from './launch-expr.js';
import type { LaunchRule } from './manifest.js';

/** Largest grid in x, y and z: CUDA programming guide, technical specifications per compute capability. */
const MAX_GRID = [2 ** 31 - 1, 65_535, 65_535] as const;
const AXES = ['x', 'y', 'z'] as const;

/**
 * CTAs in x, y and z for these dims, or undefined where one of them is zero: no rows, no launch.
 * Raises LAUNCH_GUARD for a negative grid, one beyond the hardware's limit or one that the cluster does not divide.
 */
export function evaluateGrid(
  rule: LaunchRule,
  values: LaunchValues,
): readonly [number, number, number] | undefined {
  const grid = rule.grid.map((expression) => evaluateExpr(expression, values));
  for (const [i, count] of grid.entries()) {
    const limit = MAX_GRID[i]!;
    const cluster = rule.cluster[i]!;
    if (count < 0 || count > limit || count % cluster !== 0) {
      throw new RoseError({
        code: 'LAUNCH_GUARD',
        message: `the grid is illegal in ${AXES[i]}`,
        actual: `${printExpr(rule.grid[i]!)} = ${count}`,
        expected: `from 0 to ${limit}${cluster > 1 ? `, a multiple of the cluster's ${cluster}` : ''}`,
        next: 'split the call into smaller ones',
      });
    }
  }
  return grid.includes(0) ? undefined : [grid[0]!, grid[1]!, grid[2]!];
}
