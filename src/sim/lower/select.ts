/** Moves, packing, comparison and selection -> operations. */

import type { PtxOperand } from '../ptx/ast.js';
import type { Builder } from './builder.js';
import { floatLiteral, literal } from './literals.js';
import type { Modifiers } from './modifiers.js';
import type { Rule, Rules } from './rules.js';
import { extend, flushed, is64 } from './rules.js';
import { variesByThread } from './special-values.js';

/** A word that is only moved: its text held either way, adding the use. */
function moved(b: Builder, operand: PtxOperand, word = 0): { i: string; f: string } {
  if (operand.kind === 'register') {
    const slot = b.register(operand.name).slot + word;
    b.use(slot, 'same');
    return { i: `i${slot}`, f: `f${slot}` };
  }
  let bits: number;
  if (operand.kind === 'integer') bits = Number(BigInt.asIntN(32, operand.value >> BigInt(32 * word)));
  else if (operand.kind === 'float') bits = Number(BigInt.asIntN(32, operand.bits >> BigInt(32 * word)));
  else throw b.unsupported(`a ${operand.kind} operand is not modelled here`);
  return { i: literal(bits), f: floatLiteral(bits) };
}

const mov: Rule = (b, m) => {
  const type = m.type();
  m.done();
  const [to, from] = [b.operand(0), b.operand(1)];
  if (to.kind === 'vector') unpack(b, to.items, from);
  else if (from.kind === 'vector') pack(b, to, from.items);
  else if (type === 'pred') b.setP(to, b.p(from));
  else if (from.kind === 'special' || from.kind === 'symbol') {
    const byThread = from.kind === 'special' && variesByThread(from.name);
    b.asConstant(byThread ? 'thread' : 'cta');
    if (b.bits(to) === 64) {
      const { lo, hi } = b.pair(from);
      b.set64(to, lo, hi);
    } else b.setI(to, b.i(from));
  } else if (from.kind === 'float' && from.width === 64 && !is64(type)) b.setI(to, b.i(from));
  else {
    const slot = b.slot(to);
    const bits = b.bits(to);
    const mask = bits === 16 && from.kind === 'integer';
    b.asMove();
    if (mask) b.define({ slot, i: String(Number(BigInt.asUintN(16, from.value))) });
    else b.define({ slot, ...moved(b, from) });
    if (bits === 64) b.define({ slot: slot + 1, ...moved(b, from, 1) });
  }
};

/** `mov.b32 {%rs1, %rs2}, %r1` and kin: low part first. */
function unpack(b: Builder, items: readonly PtxOperand[], from: PtxOperand): void {
  const named = items.find((item) => item.kind === 'register');
  if (!named) return;
  const part = b.bits(named);
  const total = part * items.length;
  if (part === 32 && total === 64 && from.kind === 'register') {
    b.asMove();
    items.forEach((item, n) => {
      if (item.kind !== 'sink') b.define({ slot: b.slot(item), ...moved(b, from, n) });
    });
    return;
  }
  if (total !== 32 && total !== 64) throw b.unsupported('this width is not modelled');
  const words = total === 64 ? Object.values(b.pair(from)) : [b.i(from)];
  items.forEach((item, n) => {
    const word = words[Math.floor((n * part) / 32)]!;
    const at = (n * part) % 32;
    const mask = part === 32 ? '' : `&${2 ** part - 1}`;
    b.setI(item, `(${word}>>>${at})${mask}|0`);
  });
}

function pack(b: Builder, to: PtxOperand, items: readonly PtxOperand[]): void {
  const total = b.bits(to);
  const part = total / items.length;
  if (part === 32) {
    const slot = b.slot(to);
    b.asMove();
    items.forEach((item, n) => {
      b.define({ slot: slot + n, ...moved(b, item) });
    });
    return;
  }
  const words: string[] = [];
  const mask = `&${2 ** part - 1}`;
  for (let word = 0; word < total / 32; word++) {
    const from = items.slice((word * 32) / part, ((word + 1) * 32) / part);
    words.push(from.map((item, n) => `((${b.i(item)}${mask})<<${n * part})`).join('|'));
  }
  if (total === 64) b.set64(to, words[0]!, words[1]!);
  else if (total === 32) b.setI(to, words[0]!);
  else if (total === 16) b.setI(to, items.map((item, n) => `((${b.i(item)}${mask})<<${n * part})`).join('|'));
  else throw b.unsupported('this width is not modelled');
}

const FLOAT_COMPARE: Readonly<Record<string, (a: string, c: string) => string>> = {
  eq: (a, c) => `${a}===${c}`,
  ne: (a, c) => `(${a}<${c}||${a}>${c})`,
  lt: (a, c) => `${a}<${c}`,
  le: (a, c) => `${a}<=${c}`,
  gt: (a, c) => `${a}>${c}`,
  ge: (a, c) => `${a}>=${c}`,
  equ: (a, c) => `!(${a}<${c}||${a}>${c})`,
  neu: (a, c) => `${a}!==${c}`,
  ltu: (a, c) => `!(${a}>=${c})`,
  leu: (a, c) => `!(${a}>${c})`,
  gtu: (a, c) => `!(${a}<=${c})`,
  geu: (a, c) => `!(${a}<${c})`,
  num: (a, c) => `(${a}===${a}&&${c}===${c})`,
  nan: (a, c) => `(${a}!==${a}||${c}!==${c})`,
};

const INTEGER_COMPARE: Readonly<Record<string, string>> = {
  ...{ eq: '===', ne: '!==', lt: '<', le: '<=', gt: '>', ge: '>=' },
  ...{ lo: '<', ls: '<=', hi: '>', hs: '>=' },
};

/** Text of a comparison: a JavaScript boolean. */
function comparison(b: Builder, m: Modifiers, type: string, name: string): string {
  const [x, y] = [b.operand(1), b.operand(2)];
  if (/^b?f/.test(type) && type !== 'b16' && type !== 'b32' && type !== 'b64') {
    const ftz = m.has('ftz');
    const compare = FLOAT_COMPARE[name];
    if (!compare) throw b.unsupported(`the comparison .${name} is not modelled for floats`);
    if (type === 'f32') return compare(flushed(b.f(x), ftz), flushed(b.f(y), ftz));
    if (type === 'f64') {
      const [a, c] = [b.pair(x), b.pair(y)];
      b.do(`u=dbl(${a.lo},${a.hi});v=dbl(${c.lo},${c.hi});`);
      return compare('u', 'v');
    }
    if (type === 'f16') return compare(`H2F[${b.i(x)}]`, `H2F[${b.i(y)}]`);
    if (type === 'bf16') {
      b.do(`u=f32OfBits(${b.i(x)}<<16);v=f32OfBits(${b.i(y)}<<16);`);
      return compare('u', 'v');
    }
    throw b.unsupported(`comparing .${type} is not modelled`);
  }
  const operator = INTEGER_COMPARE[name];
  if (!operator) throw b.unsupported(`the comparison .${name} is not modelled for integers`);
  const signed = type.startsWith('s') && !['lo', 'ls', 'hi', 'hs'].includes(name);
  if (is64(type)) {
    const [a, c] = [b.pair(x), b.pair(y)];
    if (operator === '===') return `(${a.lo}===${c.lo}&&${a.hi}===${c.hi})`;
    if (operator === '!==') return `(${a.lo}!==${c.lo}||${a.hi}!==${c.hi})`;
    const high = (text: string): string => (signed ? text : `(${text}>>>0)`);
    const strict = operator[0]!;
    return `(${a.hi}===${c.hi}?(${a.lo}>>>0)${operator}(${c.lo}>>>0):${high(a.hi)}${strict}${high(c.hi)})`;
  }
  const [a, c] = [extend(b.i(x), type), extend(b.i(y), type)];
  if (operator === '===' || operator === '!==' || signed || type.endsWith('16')) return `${a}${operator}${c}`;
  return `(${a}>>>0)${operator}(${c}>>>0)`;
}

const COMPARISONS = 'eq ne lt le gt ge lo ls hi hs equ neu ltu leu gtu geu num nan'.split(' ');

const setp: Rule = (b, m) => {
  const name = m.oneOf(COMPARISONS);
  if (name === undefined) throw b.unsupported('no comparison is named');
  const combine = m.oneOf(['and', 'or', 'xor'] as const);
  const type = m.type();
  if (type.endsWith('x2')) {
    packedCompare(b, m, type, name);
    return;
  }
  const text = comparison(b, m, type, name);
  m.done();
  const to = b.operand(0);
  const also = combine ? b.p(b.operand(3)) : undefined;
  const operator = { and: '&', or: '|', xor: '^' }[combine ?? 'and'];
  if (to.kind === 'both') {
    b.do(`x=${text}?1:0;`);
    const tail = also === undefined ? '' : `${operator}${also}`;
    b.setP(to.first, `x${tail}`);
    b.setP(to.second, `(1-x)${tail}`);
  } else b.setP(to, also === undefined ? `${text}?1:0` : `(${text}?1:0)${operator}${also}`);
};

/** Two halves compared lane by lane into two predicates, `p|q`. */
function packedCompare(b: Builder, m: Modifiers, type: string, name: string): void {
  m.done();
  const compare = FLOAT_COMPARE[name];
  const to = b.operand(0);
  if (!compare || to.kind !== 'both') throw b.unsupported('this packed comparison is not modelled');
  const [a, c] = [b.i(b.operand(1)), b.i(b.operand(2))];
  const lane = (text: string): string => (type === 'f16x2' ? `H2F[${text}]` : `f32OfBits((${text})<<16)`);
  b.do(`u=${lane(`${a}&65535`)};v=${lane(`${c}&65535`)};x=${compare('u', 'v')}?1:0;`);
  b.do(`u=${lane(`${a}>>>16`)};v=${lane(`${c}>>>16`)};y=${compare('u', 'v')}?1:0;`);
  b.setP(to.first, 'x');
  b.setP(to.second, 'y');
}

const set: Rule = (b, m, instruction) => {
  const name = m.oneOf(COMPARISONS);
  if (name === undefined) throw b.unsupported('no comparison is named');
  const combine = m.oneOf(['and', 'or', 'xor'] as const);
  const ftz = instruction.modifiers.includes('ftz');
  const to = m.type();
  const text = comparison(b, m, m.type(), name);
  if (ftz) m.has('ftz');
  m.done();
  const operator = { and: '&', or: '|', xor: '^' }[combine ?? 'and'];
  const whole = combine ? `((${text}?1:0)${operator}${b.p(b.operand(3))})` : `(${text}?1:0)`;
  if (to === 'f32') b.setF(b.operand(0), `${whole}?1:0`);
  else b.setI(b.operand(0), to.endsWith('16') ? `${whole}?65535:0` : `-${whole}|0`);
};

/** Picks by a condition text, moving bits as they are. */
function choose(b: Builder, condition: string, type: string): void {
  const [to, x, y] = [b.operand(0), b.operand(1), b.operand(2)];
  const slot = b.slot(to);
  b.asMove();
  for (let word = 0; word < (is64(type) ? 2 : 1); word++) {
    const [a, c] = [moved(b, x, word), moved(b, y, word)];
    const cut = type.endsWith('16') ? '&65535' : '';
    const i = `${condition}?${a.i}:${c.i}`;
    b.define(cut ? { slot, i: `(${i})${cut}` } : { slot: slot + word, i, f: `${condition}?${a.f}:${c.f}` });
  }
}

export const SELECT: Rules = {
  mov,
  setp,
  set,
  selp: (b, m) => {
    const type = m.type();
    m.done();
    choose(b, b.p(b.operand(3)), type);
  },
  slct: (b, m) => {
    m.has('ftz');
    const type = m.type();
    const by = m.type();
    m.done();
    choose(b, by === 'f32' ? `${b.f(b.operand(3))}>=0` : `${b.i(b.operand(3))}>=0`, type);
  },
};
