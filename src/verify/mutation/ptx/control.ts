/** Mutations of what runs, and when: barriers, waits, guards, branches, bounds. */

import { headOf, wordsOf, type PtxLine } from './program.js';
import { onLines, replaced, type PtxOperator } from './operator.js';

const dropWhere = (name: string, doc: string, matches: (line: PtxLine) => boolean): PtxOperator =>
  onLines(name, doc, (line) => (matches(line) ? [null] : []));

const NEXT_BOUND: Readonly<Record<string, string>> = { lt: 'le', le: 'lt', gt: 'ge', ge: 'gt' };

const dropBarrier = dropWhere('drop-barrier', 'a barrier of the CTA or cluster is missing', ({ opcode }) =>
  /^(bar\.sync|barrier\.(sync|cluster))/.test(opcode),
);

const dropDependentWait = dropWhere(
  'drop-dependent-wait',
  'inputs are read before the previous kernel has ended',
  ({ opcode }) => opcode === 'griddepcontrol.wait',
);

const dropBranch = dropWhere(
  'drop-branch',
  'a branch falls through',
  ({ opcode }) => headOf(opcode) === 'bra',
);

const dropGuard = onLines('drop-guard', 'a guarded instruction always runs', ({ guard }) =>
  guard === undefined ? [] : [{ guard: null }],
);

const negateGuard = onLines('negate-guard', 'a guard is the wrong way round', ({ guard }) =>
  guard === undefined ? [] : [{ guard: guard.startsWith('!') ? guard.slice(1) : `!${guard}` }],
);

const moveBound = onLines('move-bound', 'an integer bound is one too wide or too narrow', ({ opcode }) => {
  const [head, compare, ...types] = wordsOf(opcode);
  const next = NEXT_BOUND[compare ?? ''];
  return head === 'setp' && next && /^[su]\d+$/.test(types.at(-1)!)
    ? [{ opcode: ['setp', next, ...types].join('.') }]
    : [];
});

const wrongWait = onLines(
  'wrong-wait',
  'a wait for copies lets one group more be under way, or waits for the wrong phase',
  ({ opcode, operands }) => {
    const last = operands.length - 1;
    const value = Number(operands[last]);
    if (!Number.isInteger(value)) return [];
    if (/^cp\.async(\.bulk)?\.wait_group/.test(opcode))
      return [{ operands: replaced(operands, last, String(value + 1)) }];
    if (/^mbarrier\.(try|test)_wait.*\.parity/.test(opcode))
      return [{ operands: replaced(operands, last, String(value ^ 1)) }];
    return [];
  },
);

export const CONTROL = [
  dropBarrier,
  dropDependentWait,
  dropBranch,
  dropGuard,
  negateGuard,
  moveBound,
  wrongWait,
] as const;
