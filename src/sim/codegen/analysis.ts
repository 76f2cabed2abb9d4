/** `Program` -> which slots live where, and in which holding each is wanted. */

import type { Block, Operation, Program, Terminator } from '../program.js';

export interface Analysis {
  /** Slots whose value is the same for a CTA or a thread's life: recomputed, never kept. */
  readonly constants: ReadonlyMap<number, Operation>;
  /** Slots that a block's start needs, constants left out. */
  readonly liveIn: readonly ReadonlySet<number>[];
  wantsInteger(slot: number): boolean;
  wantsFloat(slot: number): boolean;
  isPredicate(slot: number): boolean;
  /** How an `any` use sees the slot. */
  held(slot: number): 'i' | 'f';
  /** How the slot is kept between stretches; undefined if nobody reads it. */
  kept(slot: number): 'i' | 'f' | 'p' | undefined;
}

export function successors(end: Terminator): readonly number[] {
  switch (end.kind) {
    case 'jump':
    case 'sync':
      return [end.to];
    case 'branch':
      return [end.yes, end.no];
    case 'switch':
      return end.to;
    case 'exit':
      return [];
  }
}

export function analyse(program: Program): Analysis {
  const operations = program.blocks.flatMap((block) => block.operations);
  const constants = findConstants(operations);
  const floats = floatSlots(operations, program.slots);
  const predicates = new Uint8Array(program.slots);
  const integers = new Uint8Array(program.slots);
  const wantedFloats = new Uint8Array(program.slots);
  demand(operations, floats, predicates, integers, wantedFloats);
  const held = (slot: number): 'i' | 'f' => (floats[slot] === FLOAT ? 'f' : 'i');
  return {
    constants,
    liveIn: liveness(program.blocks, constants),
    wantsInteger: (slot) => integers[slot] === 1,
    wantsFloat: (slot) => wantedFloats[slot] === 1,
    isPredicate: (slot) => predicates[slot] === 1,
    held,
    kept: (slot) => {
      if (predicates[slot]) return 'p';
      if (integers[slot] && wantedFloats[slot]) return held(slot);
      return integers[slot] ? 'i' : wantedFloats[slot] ? 'f' : undefined;
    },
  };
}

function findConstants(operations: readonly Operation[]): Map<number, Operation> {
  const writers = new Map<number, number>();
  for (const { definitions } of operations)
    for (const { slot } of definitions) writers.set(slot, (writers.get(slot) ?? 0) + 1);
  const constants = new Map<number, Operation>();
  for (const operation of operations) {
    if (!operation.constant || operation.uses.length || operation.guard) continue;
    const slots = new Set(operation.definitions.map(({ slot }) => slot));
    if ([...slots].every((slot) => writers.get(slot) === 1))
      for (const slot of slots) constants.set(slot, operation);
  }
  return constants;
}

const LITERAL = 1;
const FLOAT = 2;
const WORD = 3;

/**
 * What each slot's writers give: literals only, floats made by arithmetic (whose NaN is the canonical one), or bits that
 * must be kept as they are. Grows to a fixed point through moves.
 */
function floatSlots(operations: readonly Operation[], slots: number): Uint8Array {
  const states = new Uint8Array(slots);
  for (let changed = true; changed;) {
    changed = false;
    for (const { definitions, uses, move } of operations) {
      let source = LITERAL;
      if (move) for (const use of uses) if (use.as === 'same') source = join(source, states[use.slot]!);
      for (const { slot, i, f } of definitions) {
        const state = move && f !== undefined ? source : f !== undefined && i === undefined ? FLOAT : WORD;
        const joined = join(states[slot]!, state);
        if (joined !== states[slot]) {
          states[slot] = joined;
          changed = true;
        }
      }
    }
  }
  return states;
}

function join(a: number, b: number): number {
  if (a === b || b === 0 || b === LITERAL) return Math.max(a, b);
  return a === 0 || a === LITERAL ? b : WORD;
}

function demand(
  operations: readonly Operation[],
  states: Uint8Array,
  predicates: Uint8Array,
  integers: Uint8Array,
  floats: Uint8Array,
): void {
  for (const { uses, guard, definitions } of operations) {
    if (guard) predicates[guard.slot] = 1;
    for (const { slot, p } of definitions) if (p !== undefined) predicates[slot] = 1;
    for (const { slot, as } of uses) {
      if (as === 'p') predicates[slot] = 1;
      else if (as === 'i' || (as === 'any' && states[slot] !== FLOAT)) integers[slot] = 1;
      else if (as === 'f' || as === 'any') floats[slot] = 1;
    }
  }
  for (let changed = true; changed;) {
    changed = false;
    for (const { uses, definitions, move } of operations) {
      if (!move) continue;
      const i = definitions.some(({ slot }) => integers[slot] === 1);
      const f = definitions.some((d) => d.f !== undefined && floats[d.slot]);
      const wordOnly = definitions.some((d) => d.f === undefined && floats[d.slot]);
      for (const { slot, as } of uses) {
        if (as !== 'same') continue;
        if ((i || wordOnly) && !integers[slot]) {
          integers[slot] = 1;
          changed = true;
        }
        if (f && !floats[slot]) {
          floats[slot] = 1;
          changed = true;
        }
      }
    }
  }
}

function liveness(blocks: readonly Block[], constants: ReadonlyMap<number, Operation>): Set<number>[] {
  const reads = blocks.map(() => new Set<number>());
  const writes = blocks.map(() => new Set<number>());
  blocks.forEach(({ operations, end }, n) => {
    const read = (slot: number): void => {
      if (!writes[n]!.has(slot) && !constants.has(slot)) reads[n]!.add(slot);
    };
    for (const { uses, guard, definitions } of operations) {
      for (const { slot } of uses) read(slot);
      if (guard) read(guard.slot);
      // A guarded write leaves the old value where the guard fails.
      for (const { slot } of definitions) {
        if (guard) read(slot);
        else writes[n]!.add(slot);
      }
    }
    if (end.kind === 'branch') read(end.guard.slot);
    if (end.kind === 'switch') read(end.slot);
  });
  const live = reads.map((set) => new Set(set));
  for (let changed = true; changed;) {
    changed = false;
    for (let n = blocks.length - 1; n >= 0; n--) {
      const before = live[n]!.size;
      for (const next of successors(blocks[n]!.end))
        for (const slot of live[next]!) if (!writes[n]!.has(slot)) live[n]!.add(slot);
      if (live[n]!.size !== before) changed = true;
    }
  }
  return live;
}
