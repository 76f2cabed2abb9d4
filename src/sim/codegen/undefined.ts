/**
 * Watches registers that some path reads before anything has written them.
 *
 * Matches: slots that are live at the kernel's entry. Each gets a flag, a predicate slot that is 0 at the entry and 1 after
 * every write; a read reports where the flag is 0. Moves pass an undefined value on unreported, since the compiler moves
 * what a later selection drops. The identity where no slot is live at the entry, which is the rule.
 */

import type { Operation, Program } from '../program.js';
import { analyse } from './analysis.js';

export function watchUndefined(program: Program): Program {
  const live = [...analyse(program).liveIn[0]!];
  if (!live.length) return program;
  const flags = new Map(live.map((slot, n) => [slot, program.slots + n]));
  const start: Operation = {
    instruction: 0,
    before: '',
    definitions: [...flags.values()].map((slot) => ({ slot, p: '0' })),
    after: '',
    uses: [],
    move: false,
  };
  const blocks = program.blocks.map(({ operations, end }, block) => {
    const watched = operations.flatMap((operation) => watch(operation, flags));
    const last = operations.at(-1)?.instruction ?? 0;
    const read = end.kind === 'branch' ? end.guard.slot : end.kind === 'switch' ? end.slot : -1;
    const tail = flags.has(read) ? [question(last, [read], flags)] : [];
    return { operations: [...(block === 0 ? [start] : []), ...watched, ...tail], end };
  });
  const slotNames = [...program.slotNames, ...live.map((slot) => `${program.slotNames[slot]} written`)];
  return { ...program, blocks, slots: program.slots + live.length, slotNames };
}

function watch(operation: Operation, flags: ReadonlyMap<number, number>): Operation[] {
  const written = operation.definitions.filter(({ slot }) => flags.has(slot));
  const read = [
    ...operation.uses.filter(({ slot, as }) => as !== 'same' && flags.has(slot)).map(({ slot }) => slot),
    ...(operation.guard && flags.has(operation.guard.slot) ? [operation.guard.slot] : []),
  ];
  const result: Operation[] = [];
  if (read.length)
    result.push({
      ...question(operation.instruction, read, flags),
      ...(operation.guard && { guard: operation.guard }),
    });
  result.push(operation);
  if (written.length) {
    result.push({
      instruction: operation.instruction,
      before: '',
      definitions: written.map(({ slot }) => ({ slot: flags.get(slot)!, p: '1' })),
      after: '',
      uses: [],
      move: false,
      ...(operation.guard && { guard: operation.guard }),
    });
  }
  return result;
}

function question(
  instruction: number,
  slots: readonly number[],
  flags: ReadonlyMap<number, number>,
): Operation {
  return {
    instruction,
    before: [...new Set(slots)]
      .map((slot) => `if(p${flags.get(slot)!}===0)UR(g,${instruction},${slot});`)
      .join(''),
    definitions: [],
    after: '',
    uses: [...new Set(slots)].map((slot) => ({ slot: flags.get(slot)!, as: 'p' as const })),
    move: false,
  };
}
