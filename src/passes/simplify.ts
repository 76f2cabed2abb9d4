/**
 * simplify: makes the graph cheaper without changing what it computes beyond one rounding.
 *
 * Matches an f32 division whose divisor varies over fewer axes than the quotient.
 * Before: x[tokens, hidden] / s[tokens].   After: x[tokens, hidden] * rcp(s[tokens]).
 * The reciprocal is computed once a row; the product is within 1.5 units in the last place of f32 of the quotient.
 * Also gives equal values one node and drops what no store needs. Bails out on any other division.
 */

import type { Kernel } from '../ir/kernel.js';
import { mapParts } from './parts.js';
import { rebuild } from './rebuild.js';

export function simplify(kernel: Kernel): Kernel {
  return mapParts(kernel, (section) =>
    rebuild(section, (value, graph) => {
      if (value.kind !== 'binary' || value.fn !== '/' || value.dtype !== 'f32') return graph.copy(value);
      const divisor = graph.get(value.right);
      if (divisor.axes.length >= value.axes.length) return graph.copy(value);
      const { span } = value;
      const reciprocal =
        divisor.kind === 'literal'
          ? graph.add({ ...divisor, value: Math.fround(1 / Number(divisor.value)) })
          : graph.unary('rcp', value.right, 'f32', span);
      return graph.binary('*', value.left, reciprocal, 'f32', span);
    }),
  );
}
