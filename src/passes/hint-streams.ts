/**
 * hint-streams: cache hints for what a kernel touches once.
 *
 * Before: views of tensors.   After: the schedule's `streams` on views through which every row moves elements of its own, so that
 * they make room for what is read again. The identity without `streams`, where rows are walked again and loaded again, and for tensors that rows
 * share (weights, tables) or that an index chooses rows of.
 */

import { partsOf, type Access, type Kernel, type Section, type Streams } from '../ir/kernel.js';
import type { Statement, StreamHint } from '../ir/tile.js';
import { tensorOf } from './choose-vector.js';
import { planSweeps, walksOf } from './lower/sweeps.js';

interface Hints {
  readonly load?: StreamHint;
  readonly store?: StreamHint;
}

const HINTS: Readonly<Record<Streams, Hints>> = {
  loads: { load: 'evict-first' },
  stores: { store: 'evict-first' },
  all: { load: 'evict-first', store: 'evict-first' },
  'no-allocate': { load: 'no-allocate', store: 'evict-first' },
};

export function hintStreams(kernel: Kernel): Kernel {
  const { streams, residency } = kernel.schedule!;
  if (streams === undefined || (residency === 'reload' && kernel.sections.some(isReadAgain))) return kernel;
  const { load, store } = HINTS[streams];
  const shared = new Set(kernel.sections.flatMap(sharedTensors));
  const accessOf = (tensor: string) => tensorOf(kernel, tensor).access;
  const mark = (statement: Statement): Statement => {
    switch (statement.kind) {
      case 'view':
        if (shared.has(statement.tensor)) return statement;
        return {
          ...statement,
          ...(load && accessOf(statement.tensor) !== 'out' && { load }),
          ...(store && accessOf(statement.tensor) !== 'in' && { store }),
        };
      case 'if':
        return {
          ...statement,
          then: statement.then.map(mark),
          ...(statement.otherwise && { otherwise: statement.otherwise.map(mark) }),
        };
      case 'unroll':
      case 'loop':
        return { ...statement, body: statement.body.map(mark) };
      default:
        return statement;
    }
  };
  return {
    ...kernel,
    sections: kernel.sections.map((section) => ({ ...section, body: section.body!.map(mark) })),
  };
}

/** Whether rows that are not kept are walked more than once. */
const isReadAgain = (section: Section): boolean => walksOf(planSweeps(section, 'reload')) > 1;

/** Tensors of which two rows read the same element, or may. */
function sharedTensors(whole: Section): readonly string[] {
  return partsOf(whole).flatMap((section) =>
    section.values.flatMap((value) =>
      value.kind === 'load' && !ownsRows(section, value.access) ? [value.access.tensor] : [],
    ),
  );
}

function ownsRows({ axes }: Section, { terms }: Access): boolean {
  return axes
    .filter(({ role, extent }) => role !== 'lane' && extent !== 1)
    .every(({ axis }) => terms.some((term) => term.kind === 'axis' && term.axis === axis));
}
