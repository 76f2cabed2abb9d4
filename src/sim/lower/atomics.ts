/** Atomics and reductions: the new value of a place in memory -> text. */

import type { PtxOperand } from '../ptx/ast.js';
import { land, memoryOperand, ordering, spaceOf } from './address.js';
import type { Landing } from './address.js';
import type { Builder } from './builder.js';
import type { Rule, Rules } from './rules.js';

/** The new value of an atomic on 32 bits: old bits in `x`, operand text(s) given. */
function atomicWord(b: Builder, operation: string, type: string, a: string, c: string | undefined): string {
  const signed = type.startsWith('s');
  const order = (text: string): string => (signed ? text : `(${text}>>>0)`);
  switch (operation) {
    case 'add':
      if (type === 'f32') return `bitsOfF32(fround(f32OfBits(x)+f32OfBits(${a})))`;
      if (type === 'f16x2' || type === 'bf16x2')
        return `half2('add',${type === 'f16x2' ? 'F16fmt' : 'BF16fmt'},x,${a})`;
      return `(x+${a})|0`;
    case 'min':
    case 'max': {
      if (type === 'f32') return `bitsOfF32(${operation}(f32OfBits(x),f32OfBits(${a})))`;
      if (type.endsWith('x2'))
        return `half2('${operation}',${type === 'f16x2' ? 'F16fmt' : 'BF16fmt'},x,${a})`;
      return `${order('x')}${operation === 'min' ? '<' : '>'}${order(a)}?x:${a}`;
    }
    case 'and':
      return `x&${a}`;
    case 'or':
      return `x|${a}`;
    case 'xor':
      return `x^${a}`;
    case 'exch':
      return a;
    case 'cas':
      return `x===${a}?${c ?? 'x'}:x`;
    case 'inc':
      return `(x>>>0)>=(${a}>>>0)?0:x+1|0`;
    case 'dec':
      return `x===0||(x>>>0)>(${a}>>>0)?${a}:x-1|0`;
    default:
      throw b.unsupported(`the operation .${operation} is not modelled`);
  }
}

const ATOMICS = ['add', 'min', 'max', 'and', 'or', 'xor', 'exch', 'cas', 'inc', 'dec'] as const;

const atomic =
  (returns: boolean): Rule =>
  (b, m, instruction) => {
    const space = spaceOf(m);
    const order = ordering(b, m, instruction.modifiers, true);
    const operation = m.oneOf(ATOMICS);
    if (operation === undefined) throw b.unsupported('no operation that is modelled');
    const lanes = Number(m.oneOf(['v2', 'v4', 'v8'] as const)?.slice(1) ?? 1);
    const type = m.type();
    m.done();
    const bytes = m.bytes(type);
    const first = returns ? 1 : 0;
    const source = b.operand(first + 1);
    const items = source.kind === 'vector' ? source.items : [source];
    const results = returns
      ? lanes > 1 && b.operand(0).kind === 'vector'
        ? vectorItems(b.operand(0))
        : [b.operand(0)]
      : [];
    if (returns && (b.inLoop || comesLate(b, space))) b.yieldHere(!b.inLoop);
    const at = land(b, space, 'A', memoryOperand(b, first), bytes * lanes, order);
    items.forEach((item, n) => {
      if (bytes === 8) {
        wideAtomic(b, at, operation, type, item, operation === 'cas' ? b.operand(first + 2) : undefined);
        if (returns) b.set64(results[0]!, 'x', 'y');
        return;
      }
      const swap = operation === 'cas' ? b.i(b.operand(first + 2)) : undefined;
      if (bytes === 4) {
        const index = `(k>>>2)+${n}`;
        b.do(`x=${at.words}[${index}];z=${atomicWord(b, operation, type, b.i(item), swap)};`);
        b.do(`if(z!==x){${at.words}[${index}]=z;W[0]=1;}`);
      } else {
        if (type !== 'f16' && type !== 'bf16' && operation !== 'cas' && operation !== 'exch')
          throw b.unsupported('this 16-bit atomic is not modelled');
        const format = type === 'f16' ? 'F16fmt' : 'BF16fmt';
        const value =
          operation === 'cas'
            ? `x===${b.i(item)}?${swap!}:x`
            : operation === 'exch'
              ? b.i(item)
              : `half('${operation}',${format},x,${b.i(item)})`;
        b.do(`x=${at.halves}[(k>>>1)+${n}];z=${value};if(z!==x){${at.halves}[(k>>>1)+${n}]=z;W[0]=1;}`);
      }
      const result = results[n];
      if (!result) return;
      // A vector's old values must outlive the next lane: each is defined after all lanes are done.
      if (items.length > 1)
        throw b.unsupported('a vector atomic that returns the old values is not modelled');
      b.setI(result, 'x');
    });
  };

/** In a kernel that spins, others are to come first to a place of global memory: what they do then is seen. */
export function comesLate(b: Builder, space: string): boolean {
  return b.spins && !space.startsWith('shared');
}

function vectorItems(operand: PtxOperand): readonly PtxOperand[] {
  return operand.kind === 'vector' ? operand.items : [operand];
}

function wideAtomic(
  b: Builder,
  at: Landing,
  operation: string,
  type: string,
  item: PtxOperand,
  swap: PtxOperand | undefined,
): void {
  const a = b.pair(item);
  b.do(`x=${at.words}[k>>>2];y=${at.words}[(k>>>2)+1];`);
  const put = (lo: string, hi: string): string =>
    `${at.words}[k>>>2]=${lo};${at.words}[(k>>>2)+1]=${hi};W[0]=1;`;
  switch (operation) {
    case 'add':
      if (type === 'f64') throw b.unsupported('f64 atomics are not modelled');
      b.do(`z=(x+${a.lo})|0;${put('z', `(y+${a.hi}+((z>>>0)<(x>>>0)?1:0))|0`)}`);
      break;
    case 'exch':
      b.do(put(a.lo, a.hi));
      break;
    case 'cas': {
      const c = b.pair(swap!);
      b.do(`if(x===${a.lo}&&y===${a.hi}){${put(c.lo, c.hi)}}`);
      break;
    }
    case 'and':
    case 'or':
    case 'xor': {
      const operator = { and: '&', or: '|', xor: '^' }[operation];
      b.do(put(`x${operator}${a.lo}`, `y${operator}${a.hi}`));
      break;
    }
    case 'min':
    case 'max':
      b.do(`z=wide('${operation}',${type === 's64' ? 1 : 0},x,y,${a.lo},${a.hi});${put('z', 'HI[0]')}`);
      break;
    default:
      throw b.unsupported(`the operation .${operation} is not modelled on 64 bits`);
  }
}

export const ATOMIC: Rules = { atom: atomic(true), red: atomic(false) };
