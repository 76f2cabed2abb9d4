/**
 * merge-guards: joins neighbouring statements under one condition.
 *
 * Before: `if valid: a` followed by `if valid: b`.   After: `if valid: a; b`.
 * Declarations between the two that do not depend on them move in front. Bails out where the conditions differ.
 */

import { canonicalJson } from '../util/hash.js';
import type { Kernel } from '../ir/kernel.js';
import type { Statement } from '../ir/tile.js';

export function mergeGuards(kernel: Kernel): Kernel {
  return {
    ...kernel,
    sections: kernel.sections.map((section) => ({ ...section, body: merge(section.body!) })),
  };
}

function merge(body: readonly Statement[]): readonly Statement[] {
  const out: Statement[] = [];
  for (const statement of body.map(inside)) {
    const previous = lastGuard(out);
    if (statement.kind === 'if' && previous !== undefined && same(out[previous]!, statement)) {
      const guard = out[previous] as Statement & { kind: 'if' };
      out.splice(previous, 1);
      out.push({ ...guard, then: [...guard.then, ...statement.then] });
    } else {
      out.push(statement);
    }
  }
  return out;
}

function inside(statement: Statement): Statement {
  switch (statement.kind) {
    case 'if':
      return {
        ...statement,
        then: merge(statement.then),
        ...(statement.otherwise && { otherwise: merge(statement.otherwise) }),
      };
    case 'loop':
    case 'unroll':
      return { ...statement, body: merge(statement.body) };
    default:
      return statement;
  }
}

/** Index of a guard at the end of `out` with only declarations of fragments and views behind it. */
function lastGuard(out: readonly Statement[]): number | undefined {
  for (let i = out.length - 1; i >= 0; i--) {
    const { kind } = out[i]!;
    if (kind === 'if') return i;
    if (kind !== 'fragment' && kind !== 'view') return undefined;
  }
  return undefined;
}

function same(left: Statement, right: Statement): boolean {
  if (left.kind !== 'if' || right.kind !== 'if' || left.otherwise || right.otherwise) return false;
  const assigned = new Set(
    left.then.flatMap((statement) => (statement.kind === 'assign' ? [statement.name] : [])),
  );
  return canonicalJson(left.condition) === canonicalJson(right.condition) && assigned.size === 0;
}
