/** Builds a `Program` block by block: what the instruction files use to turn operands into text and slots. */

import { RoseError } from '../../util/errors.js';
import type { PtxEntry, PtxInstruction, PtxModule, PtxOperand } from '../ptx/ast.js';
import { typeBytes } from '../ptx/literals.js';
import type { Block, Definition, Guard, Operation, SyncAction, SyncPoint, Use } from '../program.js';
import { layoutMemory } from './layout.js';
import type { MemoryLayout } from './layout.js';
import type { Pair } from './pair.js';
import { specialValue } from './special-values.js';

export type { Pair };

export interface Register {
  readonly slot: number;
  /** 1 for predicates and up to 32 bits, 2 for 64. */
  readonly words: 1 | 2 | 4;
  readonly bits: number;
}

export class Builder {
  readonly instructions: PtxInstruction[] = [];
  readonly blocks: Block[] = [];
  readonly points: SyncPoint[] = [];
  readonly slotNames: string[] = [];
  readonly memory: MemoryLayout;
  sharedGranule = 4;
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
  yieldHere(): void {
    this.sync({ kind: 'yield' }, [], 0);
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

  // --- operands

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

  #registerOf(operand: PtxOperand): Register {
    if (operand.kind !== 'register') throw this.unsupported(`a ${operand.kind} stands where a register must`);
    return this.register(operand.name);
  }

  /** The bits of a 32- or 16-bit operand, as an int32. */
  i(operand: PtxOperand): string {
    switch (operand.kind) {
      case 'register': {
        const { slot, bits } = this.register(operand.name);
        if (bits === 1) throw this.unsupported('a predicate stands where a number must');
        this.use(slot, 'i');
        return `i${slot}`;
      }
      case 'integer':
        return literal(Number(BigInt.asIntN(32, operand.value)));
      case 'float':
        return literal(
          operand.width === 32 ? Number(BigInt.asIntN(32, operand.bits)) : f32Bits(operand.bits),
        );
      case 'special':
        return specialValue(operand.name)?.lo ?? this.#noSpecial(operand.name);
      case 'symbol':
        return this.symbol(operand.name, operand.offset).lo;
      default:
        throw this.unsupported(`a ${operand.kind} operand stands where a number must`);
    }
  }

  #noSpecial(name: string): never {
    throw this.unsupported(`the special register ${name} is not modelled`);
  }

  /** A 32-bit operand as the float it stands for. */
  f(operand: PtxOperand): string {
    if (operand.kind === 'register') {
      const { slot, bits } = this.register(operand.name);
      if (bits !== 32) throw this.unsupported('an operand of another width than 32 stands where an f32 must');
      this.use(slot, 'f');
      return `f${slot}`;
    }
    if (operand.kind === 'float') {
      const bits = operand.width === 32 ? Number(BigInt.asIntN(32, operand.bits)) : f32Bits(operand.bits);
      return floatLiteral(bits);
    }
    if (operand.kind === 'integer') return floatLiteral(Number(BigInt.asIntN(32, operand.value)));
    throw this.unsupported(`a ${operand.kind} operand stands where an f32 must`);
  }

  /** The slot of a 32-bit register. */
  slot(operand: PtxOperand): number {
    return this.#registerOf(operand).slot;
  }

  bits(operand: PtxOperand): number {
    return operand.kind === 'register' ? this.register(operand.name).bits : 0;
  }

  /** Both words of a 64-bit operand. */
  pair(operand: PtxOperand): Pair {
    switch (operand.kind) {
      case 'register': {
        const { slot, words } = this.register(operand.name);
        if (words !== 2)
          throw this.unsupported('an operand of another width than 64 stands where one of 64 must');
        this.use(slot, 'i');
        this.use(slot + 1, 'i');
        return { lo: `i${slot}`, hi: `i${slot + 1}` };
      }
      case 'integer':
        return wide(operand.value);
      case 'float':
        return wide(operand.bits);
      case 'special':
        return specialValue(operand.name) ?? this.#noSpecial(operand.name);
      case 'symbol':
        return this.symbol(operand.name, operand.offset);
      default:
        throw this.unsupported(`a ${operand.kind} operand stands where a 64-bit number must`);
    }
  }

  /** The two floats of a packed f32x2 operand. */
  floats(operand: PtxOperand): Pair {
    if (operand.kind === 'register') {
      const { slot, words } = this.register(operand.name);
      if (words !== 2)
        throw this.unsupported('an operand of another width than 64 stands where an f32x2 must');
      this.use(slot, 'f');
      this.use(slot + 1, 'f');
      return { lo: `f${slot}`, hi: `f${slot + 1}` };
    }
    if (operand.kind === 'integer' || operand.kind === 'float') {
      const value = operand.kind === 'integer' ? operand.value : operand.bits;
      return {
        lo: floatLiteral(Number(BigInt.asIntN(32, value))),
        hi: floatLiteral(Number(BigInt.asIntN(32, value >> 32n))),
      };
    }
    throw this.unsupported(`a ${operand.kind} operand stands where an f32x2 must`);
  }

  p(operand: PtxOperand): string {
    if (operand.kind === 'not') {
      const { slot } = this.register(operand.register);
      this.use(slot, 'p');
      return `(1-p${slot})`;
    }
    if (operand.kind === 'integer') return operand.value === 0n ? '0' : '1';
    const { slot, bits } = this.#registerOf(operand);
    if (bits !== 1) throw this.unsupported('a number stands where a predicate must');
    this.use(slot, 'p');
    return `p${slot}`;
  }

  /** The address of a variable: in its own space's window if it is 32-bit, generic otherwise. */
  symbol(name: string, offset: number): Pair {
    const place = this.memory.symbols.get(name);
    if (!place) throw this.unsupported(`the variable ${name} is not declared`);
    switch (place.space) {
      case 'shared':
        return { lo: `(sb+${place.offset + offset})`, hi: '0' };
      case 'local':
      case 'param':
        return { lo: String(place.offset + offset), hi: '0' };
      case 'global':
        return { lo: String(offset), hi: `V.high[${place.index}]` };
    }
  }

  // --- results

  setI(operand: PtxOperand, text: string): void {
    if (operand.kind === 'sink') return;
    this.define({ slot: this.#registerOf(operand).slot, i: text });
  }

  setF(operand: PtxOperand, text: string): void {
    if (operand.kind === 'sink') return;
    const { slot, bits } = this.#registerOf(operand);
    if (bits !== 32) throw this.unsupported('an f32 result goes into a register of another width');
    this.define({ slot, f: text });
  }

  setP(operand: PtxOperand, text: string): void {
    if (operand.kind === 'sink') return;
    this.define({ slot: this.#registerOf(operand).slot, p: text });
  }

  set64(operand: PtxOperand, lo: string, hi: string): void {
    if (operand.kind === 'sink') return;
    const { slot, words } = this.#registerOf(operand);
    if (words !== 2) throw this.unsupported('a 64-bit result goes into a register of another width');
    this.define({ slot, i: lo });
    this.define({ slot: slot + 1, i: hi });
  }

  setFloats(operand: PtxOperand, lo: string, hi: string): void {
    const { slot, words } = this.#registerOf(operand);
    if (words !== 2) throw this.unsupported('an f32x2 result goes into a register of another width');
    this.define({ slot, f: lo });
    this.define({ slot: slot + 1, f: hi });
  }

  define(definition: Definition): void {
    this.#definitions.push(definition);
  }
}

export function literal(value: number): string {
  return value < 0 ? `(${value})` : String(value);
}

const view = new DataView(new ArrayBuffer(8));

/** Text of the f32 with these bits. */
export function floatLiteral(bits: number): string {
  view.setInt32(0, bits);
  const value = view.getFloat32(0);
  if (value !== value) return 'NaN';
  if (value === Infinity) return 'Infinity';
  if (value === -Infinity) return '(-Infinity)';
  // A value with a fraction or an exponent keeps the engine from treating the variable as an integer.
  return Object.is(value, -0) ? '(-0)' : value < 0 ? `(${value})` : String(value);
}

function f32Bits(doubleBits: bigint): number {
  view.setBigUint64(0, doubleBits);
  const value = view.getFloat64(0);
  view.setFloat32(0, value);
  return view.getInt32(0);
}

function wide(value: bigint): Pair {
  return {
    lo: literal(Number(BigInt.asIntN(32, value))),
    hi: literal(Number(BigInt.asIntN(32, value >> 32n))),
  };
}
