/**
 * dependent-launch: programmatic dependent launch (sm90 and later).
 *
 * Before: statements that first load weights, then touch tensors that a previous kernel may have written.
 * After:  between the two a wait for the previous kernel and a signal that lets the next one start its own prologue.
 * The signal may come this early because the next kernel waits, at its own wait, until this one has ended. By the schedule's
 * `ahead` it comes before the wait, and so do prefetches into the L2 of what the row loads next: what the previous kernel still
 * writes, it writes there.
 * The identity where the target's flag is off or the architecture has no dependent launch.
 */

import type { Architecture } from '../device/arch.js';
import type { Ahead, Kernel, Target } from '../ir/kernel.js';
import { expressionsOf, type Statement, type TileExpr } from '../ir/tile.js';
import { prefetchInputs } from './prefetch-inputs.js';

export function dependentLaunch(kernel: Kernel, target: Target, arch: Architecture): Kernel {
  if (!target.dependentLaunch || !arch.hasDependentLaunch) return kernel;
  const weights = new Set(kernel.tensors.filter((tensor) => tensor.weight).map((tensor) => tensor.name));
  return {
    ...kernel,
    sections: kernel.sections.map((section) => ({
      ...section,
      body: insert(section.body!, weights, kernel.schedule!.ahead),
    })),
  };
}

const WAIT: Statement = { kind: 'dependent-wait' };
const SIGNAL: Statement = { kind: 'dependent-launch' };

function insert(
  body: readonly Statement[],
  weights: ReadonlySet<string>,
  ahead: Ahead | undefined,
): readonly Statement[] {
  // A kernel of several sections waits inside the branch that its CTA takes.
  if (body.length === 1 && body[0]!.kind === 'if' && body[0]!.comment?.startsWith('section ')) {
    const branch = body[0]!;
    return [{ ...branch, then: insert(branch.then, weights, ahead) }];
  }
  const views = new Map<string, string>();
  const first = body.findIndex((statement) => touches(statement, weights, views));
  const at = first < 0 ? body.length : first;
  const before = body.slice(0, at);
  const inputs = before.flatMap((statement) =>
    statement.kind === 'view' && !weights.has(statement.tensor) ? [statement.name] : [],
  );
  const prefetches = ahead === 'prefetch' || ahead === 'both';
  const { early, rest } = prefetches
    ? prefetchInputs(body.slice(at), inputs)
    : { early: [], rest: body.slice(at) };
  const signalled = ahead === 'signal' || ahead === 'both';
  return [...(signalled ? [SIGNAL] : []), ...before, ...early, WAIT, ...(signalled ? [] : [SIGNAL]), ...rest];
}

/** Whether a statement reads or writes global memory that is no weight. */
function touches(statement: Statement, weights: ReadonlySet<string>, views: Map<string, string>): boolean {
  const isDependent = (name: string) => views.has(name) && !weights.has(views.get(name)!);
  const reads = (expr: TileExpr): boolean =>
    (expr.kind === 'element' && isDependent(expr.of)) || expressionsOf(expr).some(reads);
  switch (statement.kind) {
    case 'view':
      views.set(statement.name, statement.tensor);
      return statement.offset !== undefined && reads(statement.offset);
    case 'let':
    case 'assign':
      return reads(statement.value);
    case 'shared-add':
      return reads(statement.index) || reads(statement.value);
    case 'store':
      return isDependent(statement.to) || reads(statement.value);
    case 'if':
      return (
        reads(statement.condition) ||
        [...statement.then, ...(statement.otherwise ?? [])].some((inner) => touches(inner, weights, views))
      );
    case 'unroll':
    case 'loop':
      return statement.body.some((inner) => touches(inner, weights, views));
    default:
      return false;
  }
}
