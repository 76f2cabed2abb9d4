/** What the instruction files use to turn operands into text, and results into slots. */

import type { PtxOperand } from '../ptx/ast.js';
import { Construction } from './construction.js';
import type { Register } from './construction.js';
import { f32Bits, floatLiteral, literal, wide } from './literals.js';
import type { Pair } from './pair.js';
import { specialValue } from './special-values.js';

export type { Pair };

export class Builder extends Construction {
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
}
