/** PTX kernel -> `Program`: basic blocks of operations, and the points where threads stop. */

import type { PtxEntry, PtxInstruction, PtxModule } from '../ptx/ast.js';
import type { Block, Program } from '../program.js';
import { Builder } from './builder.js';
import { ATOMIC, comesLate } from './atomics.js';
import { CARRY, chained } from './carry.js';
import { CONVERT } from './convert.js';
import { FLOAT } from './float.js';
import { FUNCTIONS } from './functions.js';
import { INTEGER } from './integer.js';
import { MATRIX, MATRIX_OPCODES } from './matrix.js';
import { MEMORY } from './memory.js';
import { Modifiers } from './modifiers.js';
import { ASYNC, storeAsync } from './async.js';
import type { Rule, Rules } from './rules.js';
import { SELECT } from './select.js';
import { SYNC } from './sync.js';
import { WARP } from './warp.js';

const RULES: ReadonlyMap<string, Rule> = new Map(
  [INTEGER, FLOAT, FUNCTIONS, CARRY, SELECT, CONVERT, MEMORY, ATOMIC, WARP, SYNC, ASYNC, MATRIX].flatMap(
    (rules: Rules) => Object.entries(rules),
  ),
);

/** Instructions that end a block: under a guard they are branched around instead of being made conditional. */
const MEETING = new Set([
  'shfl',
  'vote',
  'match',
  'redux',
  'elect',
  'activemask',
  'bar',
  'barrier',
  ...MATRIX_OPCODES,
]);
const CHAINED = new Set(['add', 'sub', 'mad']);
/** A thread may wait for another by repeating these. */
const AWAITING = new Set(['atom', 'ld']);

/** @throws RoseError PTX_UNSUPPORTED with the line of an instruction that is not modelled. */
export function lower(module: PtxModule, entry: PtxEntry): Program {
  const b = new Builder(module, entry);
  const labels = new Map<string, Block>();
  const targets = new Map<string, readonly string[]>();
  for (const statement of entry.body) {
    if (statement.kind === 'label') labels.set(statement.name, b.newBlock());
    else if (statement.kind === 'targets') targets.set(statement.name, statement.labels);
  }
  const loops = loopLines(entry);
  const inLoop = ({ at }: PtxInstruction): boolean => loops.some(([from, to]) => at >= from && at <= to);
  b.spins = entry.body.some((each) => each.kind === 'instruction' && awaits(each) && inLoop(each));
  const jumpTo = (name: string): Block => {
    const block = labels.get(name);
    if (!block) throw b.unsupported(`the label ${name} is not defined`);
    return block;
  };
  let open = true;
  for (const statement of entry.body) {
    if (statement.kind === 'targets') continue;
    if (statement.kind === 'label') {
      const block = labels.get(statement.name)!;
      if (open) b.block.end = { kind: 'jump', to: b.indexOf(block) };
      b.block = block;
      open = true;
      continue;
    }
    if (!open) {
      // Code after a jump with no label: it cannot be reached, but it must be modelled all the same.
      b.block = b.newBlock();
    }
    b.begin(statement);
    b.inLoop = inLoop(statement);
    open = instruction(b, statement, jumpTo, targets);
  }
  return {
    module,
    entry,
    instructions: b.instructions,
    blocks: b.blocks,
    points: b.points,
    slots: b.slotNames.length,
    layout: b.memory.shared,
    localBytes: b.memory.localBytes,
    sharedGranule: b.sharedGranule,
    ordersThreads: b.ordersThreads,
    publishes: b.publishes,
    variables: b.memory.variables,
    slotNames: b.slotNames,
  };
}

/** Text ranges from a label to the last jump back to it. */
function loopLines(entry: PtxEntry): (readonly [number, number])[] {
  const starts = new Map<string, number>();
  const ranges: (readonly [number, number])[] = [];
  let last = 0;
  for (const statement of entry.body) {
    if (statement.kind === 'label') starts.set(statement.name, last);
    else if (statement.kind === 'instruction') {
      last = statement.at;
      const target = statement.opcode === 'bra' ? statement.operands[0] : undefined;
      const start = target?.kind === 'symbol' ? starts.get(target.name) : undefined;
      if (start !== undefined) ranges.push([start, statement.at]);
    }
  }
  return ranges;
}

/** Lowers one instruction; false where control does not go on after it. */
function instruction(
  b: Builder,
  statement: PtxInstruction,
  jumpTo: (label: string) => Block,
  targets: ReadonlyMap<string, readonly string[]>,
): boolean {
  const { opcode, guard } = statement;
  switch (opcode) {
    case 'bra': {
      const to = b.operand(0);
      if (to.kind !== 'symbol') throw b.unsupported('a branch needs a label');
      return leave(b, statement, jumpTo(to.name));
    }
    case 'ret':
    case 'exit':
      return leave(b, statement, b.newBlock());
    case 'trap': {
      const to = b.newBlock();
      const open = leave(b, statement, to);
      const next = b.block;
      b.block = to;
      b.do(`TR(g,${b.index});`);
      b.flush();
      b.block = next;
      return open;
    }
    case 'brx': {
      const [index, table] = [b.operand(0), b.operand(1)];
      const names = table.kind === 'symbol' ? targets.get(table.name) : undefined;
      if (!names || index.kind !== 'register') throw b.unsupported('the table of targets is not known');
      b.block.end = { kind: 'switch', slot: b.slot(index), to: names.map((name) => b.indexOf(jumpTo(name))) };
      return false;
    }
    default:
  }
  const rule = opcode === 'st' && statement.modifiers.includes('async') ? storeAsync : RULES.get(opcode);
  if (!rule) throw b.unsupported('this instruction is not modelled');
  const modifiers = new Modifiers(b, statement.modifiers);
  const waits = opcode === 'mbarrier' && statement.modifiers.some((name) => name.endsWith('_wait'));
  const spinsHere = b.inLoop && awaits(statement);
  const late = opcode === 'atom' && comesLate(b, spaceName(statement));
  const stops = waits || MEETING.has(opcode) || spinsHere || late;
  let after: Block | undefined;
  if (guard && stops) {
    const inside = b.newBlock();
    after = b.newBlock();
    b.block.end = branch(b, statement, inside, after);
    b.block = inside;
  } else if (guard) b.guard(guard.register, guard.negated);
  if (CHAINED.has(opcode) && statement.modifiers.includes('cc'))
    chained(b, modifiers, opcode as 'add' | 'sub' | 'mad', false);
  else rule(b, modifiers, statement);
  b.flush();
  if (after) {
    b.block.end = { kind: 'jump', to: b.indexOf(after) };
    b.block = after;
  }
  return true;
}

function spaceName({ modifiers }: PtxInstruction): string {
  return modifiers.find((name) => name.startsWith('shared')) ?? 'global';
}

function awaits({ opcode, modifiers }: PtxInstruction): boolean {
  if (!AWAITING.has(opcode)) return false;
  return opcode === 'atom' || modifiers.some((m) => ['acquire', 'relaxed', 'volatile', 'mmio'].includes(m));
}

function branch(b: Builder, { guard }: PtxInstruction, yes: Block, no: Block): Block['end'] {
  return {
    kind: 'branch',
    guard: { slot: b.register(guard!.register).slot, negated: guard!.negated },
    yes: b.indexOf(yes),
    no: b.indexOf(no),
  };
}

function leave(b: Builder, statement: PtxInstruction, to: Block): boolean {
  if (!statement.guard) {
    b.block.end = { kind: 'jump', to: b.indexOf(to) };
    return false;
  }
  const next = b.newBlock();
  b.block.end = branch(b, statement, to, next);
  b.block = next;
  return true;
}
