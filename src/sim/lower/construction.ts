/** A `Program` under construction: blocks, and the operation that the present instruction becomes. */

import { RoseError } from '../../util/errors.js';
import type { PtxEntry, PtxInstruction, PtxModule, PtxOperand, PtxStatement } from '../ptx/ast.js';
import { typeBytes } from '../ptx/literals.js';
import type { Block, Definition, Guard, Operation, SyncAction, SyncPoint, Use } from '../program.js';
import { layoutMemory } from './layout.js';
import type { MemoryLayout } from './layout.js';

export interface Register {
  readonly slot: number;
  /** 1 for predicates and up to 32 bits, 2 for 64. */
  readonly words: 1 | 2 | 4;
  readonly bits: number;
}

export class Construction {
  readonly instructions: PtxInstruction[] = [];
  readonly blocks: Block[] = [];
  readonly points: SyncPoint[] = [];
  readonly slotNames: string[] = [];
  readonly memory: MemoryLayout;
  sharedGranule = 4;
  /** See `Program`. */
  ordersThreads = false;
  publishes = false;
  /** Whether fences make ordered accesses of the relaxed ones. */
  readonly fenced: boolean;
  /** Whether threads of the kernel may wait for others in a loop. */
  spins = false;
  /** Whether the instruction may be repeated by a jump back. */
  inLoop = false;
  readonly #registers = new Map<string, Register>();
  #block: Block;
  #current!: PtxInstruction;
  #uses: Use[] = [];
  #definitions: Definition[] = [];
  #before: (string | ((held: (slot: number) => 'i' | 'f') => string))[] = [];
  #after: string[] = [];
  #move = false;
  #constant: 'cta' | 'thread' | undefined;
  #guard: Guard | undefined;

  constructor(
    readonly module: PtxModule,
    readonly entry: PtxEntry,
  ) {
    this.memory = layoutMemory(module, entry);
    this.fenced = entry.body.some(isFence);
    for (const [name, type] of entry.registers) {
      const bytes = type === 'pred' ? 1 : typeBytes(type)!;
      const words = bytes > 8 ? 4 : bytes > 4 ? 2 : 1;
      const bits = type === 'pred' ? 1 : bytes * 8;
      this.#registers.set(name, { slot: this.slotNames.length, words, bits });
      this.slotNames.push(name);
      for (let w = 1; w < words; w++) this.slotNames.push(`${name}.${w}`);
    }
    this.#block = this.newBlock();
  }

  #carry: number | undefined;

  /** The slot of the carry flag. */
  carry(): number {
    if (this.#carry === undefined) {
      this.#carry = this.slotNames.length;
      this.slotNames.push('CC.CF');
    }
    return this.#carry;
  }

  // --- blocks

  newBlock(): Block {
    const block: Block = { operations: [], end: { kind: 'exit' } };
    this.blocks.push(block);
    return block;
  }

  get block(): Block {
    return this.#block;
  }

  set block(block: Block) {
    this.#block = block;
  }

  indexOf(block: Block): number {
    return this.blocks.indexOf(block);
  }

  // --- one instruction

  begin(instruction: PtxInstruction): void {
    this.#current = instruction;
    this.instructions.push(instruction);
    this.#reset();
  }

  get instruction(): PtxInstruction {
    return this.#current;
  }

  /** Index of the instruction, for reports. */
  get index(): number {
    return this.instructions.length - 1;
  }

  guard(register: string, negated: boolean): void {
    this.#guard = { slot: this.register(register).slot, negated };
  }

  #reset(): void {
    this.#uses = [];
    this.#definitions = [];
    this.#before = [];
    this.#after = [];
    this.#move = false;
    this.#constant = undefined;
    this.#guard = undefined;
  }

  /** Closes the operation under construction, if it does anything. */
  flush(): void {
    if (this.#before.length || this.#definitions.length || this.#after.length) {
      const parts = this.#before;
      const lazy = parts.some((part) => typeof part === 'function');
      const before = lazy
        ? (held: (slot: number) => 'i' | 'f'): string =>
            parts.map((part) => (typeof part === 'string' ? part : part(held))).join('')
        : parts.join('');
      const operation: Operation = {
        instruction: this.index,
        before,
        definitions: this.#definitions,
        after: this.#after.join(''),
        uses: this.#uses,
        ...(this.#guard && { guard: this.#guard }),
        move: this.#move,
        ...(this.#constant && !this.#guard && { constant: this.#constant }),
      };
      this.#block.operations.push(operation);
    }
    this.#reset();
  }

  do(text: string | ((held: (slot: number) => 'i' | 'f') => string)): void {
    this.#before.push(text);
  }

  finish(text: string): void {
    this.#after.push(text);
  }

  asMove(): void {
    this.#move = true;
  }

  asConstant(scope: 'cta' | 'thread'): void {
    this.#constant = scope;
  }

  /** Ends the block at a point where threads stop; what follows goes into the next block. */
  sync(action: SyncAction, inputs: readonly string[], outputs: number): SyncPoint {
    const point: SyncPoint = {
      id: this.points.length,
      instruction: this.index,
      action,
      inputs: inputs.length,
      outputs,
    };
    this.points.push(point);
    inputs.forEach((text, n) => {
      this.do(`a${point.id}_${n}[g]=${text};`);
    });
    const guard = this.#guard;
    const block = this.#block;
    if (guard) throw new Error('a guarded synchronisation was not branched around');
    this.flush();
    const next = this.newBlock();
    block.end = { kind: 'sync', point: point.id, to: this.indexOf(next) };
    this.#block = next;
    return point;
  }

  /** A spin may start here: every other thread goes first. */
  /** @param late not a spin: others that can go on go first */
  yieldHere(late = false): void {
    this.sync({ kind: 'yield', late }, [], 0);
  }

  // --- errors

  unsupported(what: string, expected = 'an instruction that the simulator models'): RoseError {
    const { opcode, modifiers, line, at } = this.#current;
    const text = [opcode, ...modifiers].join('.');
    return new RoseError({
      code: 'PTX_UNSUPPORTED',
      message: `${text}: ${what}`,
      place: { ...this.module.source.place(at, text.length), line },
      actual: text,
      expected,
      next: 'choose a schedule that does without it, or run this variant on a GPU',
    });
  }

  operand(n: number): PtxOperand {
    const operand = this.#current.operands[n];
    if (!operand) throw this.unsupported(`operand ${n + 1} is missing`, `at least ${n + 1} operands`);
    return operand;
  }

  get operands(): number {
    return this.#current.operands.length;
  }

  register(name: string): Register {
    return this.#registers.get(name)!;
  }

  use(slot: number, as: Use['as']): void {
    this.#uses.push({ slot, as });
  }

  define(definition: Definition): void {
    this.#definitions.push(definition);
  }
}

/** `membar`, and fences of memory as such: not those of a proxy or of the initialisation of mbarriers. */
export function isFence(statement: PtxStatement): boolean {
  if (statement.kind !== 'instruction') return false;
  const { opcode, modifiers } = statement;
  return (
    opcode === 'membar' || (opcode === 'fence' && (modifiers.includes('acq_rel') || modifiers.includes('sc')))
  );
}
