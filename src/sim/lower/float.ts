/**
 * Float arithmetic -> operations.
 *
 * f32: a sum, product or quotient taken in double and rounded to f32 is rounded as if once. The fused multiply-add is
 * taken in double, where the product is exact, and rounded to f32 on both sides of a margin that covers the double's own
 * error; where the two differ (about once in 2^27) `fmaF32` decides exactly.
 */

import {
  absInteger,
  addInteger,
  divInteger,
  extreme,
  madInteger,
  mulInteger,
  negInteger,
} from './integer.js';
import type { Builder } from './builder.js';
import { doubles, finish, floatModifiers, formatOf, setDouble } from './float-operands.js';
import type { Modifiers } from './modifiers.js';
import type { Rule, Rules } from './rules.js';
import { flushed } from './rules.js';

const DOWN = '0.9999999999999998';
const UP = '1.0000000000000002';

const isFloat = (type: string): boolean => /^(f|bf)/.test(type);

/** The fused multiply-add of three f32 texts, as statements that leave it in `w`. */
function fusedText(a: string, c: string, d: string): string {
  return `u=${a}*${c}+${d};w=fround(u*${UP});if(w!==fround(u*${DOWN}))w=fmaF32(${a},${c},${d});`;
}

const FUNCTION: Readonly<Record<string, string>> = { '+': 'add', '-': 'sub', '*': 'mul' };

const MIXED = ['f16', 'bf16'] as const;

/** An f16 or bf16 operand of a mixed instruction, in a variable of its own. */
function widened(b: Builder, n: number, type: (typeof MIXED)[number], into: string): string {
  const word = b.i(b.operand(n));
  b.do(type === 'f16' ? `${into}=H2F[${word}];` : `I0[0]=${word}<<16;${into}=F0[0];`);
  return into;
}

/** add, sub and mul of every type. */
const arithmetic =
  (operator: '+' | '-' | '*', integer: (b: Builder, m: Modifiers, type: string) => void): Rule =>
  (b, m) => {
    const type = m.type();
    if (!isFloat(type)) {
      integer(b, m, type);
      return;
    }
    const { ftz, saturate, rounding } = floatModifiers(m);
    if (type === 'f32') {
      const mixed = operator === '*' ? undefined : m.oneOf(MIXED);
      m.done();
      const first = mixed ? widened(b, 1, mixed, 'v') : flushed(b.f(b.operand(1)), ftz);
      const [a, c] = [first, flushed(b.f(b.operand(2)), ftz)];
      const exact =
        rounding === 'rn'
          ? `fround(${a}${operator}${c})`
          : operator === '*'
            ? `mulF32(${a},${c},'${rounding}')`
            : `addF32(${a},${operator}${c},'${rounding}')`;
      b.setF(b.operand(0), finish(exact, ftz, saturate));
    } else if (type === 'f32x2') {
      m.done();
      const [a, c] = [b.floats(b.operand(1)), b.floats(b.operand(2))];
      const lane = (x: string, y: string): string =>
        rounding === 'rn'
          ? finish(`fround(${flushed(x, ftz)}${operator}${flushed(y, ftz)})`, ftz, saturate)
          : operator === '*'
            ? finish(`mulF32(${flushed(x, ftz)},${flushed(y, ftz)},'${rounding}')`, ftz, saturate)
            : finish(`addF32(${flushed(x, ftz)},${operator}${flushed(y, ftz)},'${rounding}')`, ftz, saturate);
      b.setFloats(b.operand(0), lane(a.lo, c.lo), lane(a.hi, c.hi));
    } else if (type === 'f64') {
      if (rounding !== 'rn') throw b.unsupported('directed rounding of f64 is not modelled');
      m.done();
      const [a, c] = doubles(b, 1, 2) as [string, string];
      setDouble(b, `${a}${operator}${c}`);
    } else {
      if (saturate || ftz || rounding !== 'rn')
        throw b.unsupported('this modifier of half arithmetic is not modelled');
      m.done();
      half(b, FUNCTION[operator]!, type);
    }
  };

function half(b: Builder, name: string, type: string): void {
  const [a, c] = [b.i(b.operand(1)), b.i(b.operand(2))];
  b.setI(b.operand(0), `${type.endsWith('x2') ? 'half2' : 'half'}('${name}',${formatOf(type)},${a},${c})`);
}

const fused: Rule = (b, m) => {
  const type = m.type();
  if (!isFloat(type)) {
    madInteger(b, m, type);
    return;
  }
  const relu = m.has('relu');
  const { ftz, saturate, rounding } = floatModifiers(m);
  const mixed = type === 'f32' ? m.oneOf(MIXED) : undefined;
  m.done();
  if (type === 'f32') {
    const a = mixed ? widened(b, 1, mixed, 'v') : flushed(b.f(b.operand(1)), ftz);
    const c = mixed ? widened(b, 2, mixed, 'm') : flushed(b.f(b.operand(2)), ftz);
    const d = flushed(b.f(b.operand(3)), ftz);
    if (rounding === 'rn') {
      b.do(fusedText(a, c, d));
      b.setF(b.operand(0), finish('w', ftz, saturate));
    } else b.setF(b.operand(0), finish(`fmaF32Directed(${a},${c},${d},'${rounding}')`, ftz, saturate));
  } else if (type === 'f32x2') {
    if (rounding !== 'rn') throw b.unsupported('directed rounding of packed f32 is not modelled');
    const [a, c, d] = [1, 2, 3].map((n) => b.floats(b.operand(n)));
    const lane = (x: string, y: string, z: string): string =>
      fusedText(flushed(x, ftz), flushed(y, ftz), flushed(z, ftz));
    b.do(`${lane(a!.lo, c!.lo, d!.lo)}v=${finish('w', ftz, saturate)};${lane(a!.hi, c!.hi, d!.hi)}`);
    b.setFloats(b.operand(0), 'v', finish('w', ftz, saturate));
  } else if (type === 'f64') {
    if (rounding !== 'rn') throw b.unsupported('directed rounding of f64 is not modelled');
    const [a, c, d] = doubles(b, 1, 2, 3);
    setDouble(b, `fmaF64(${a},${c},${d})`);
  } else {
    if (saturate || ftz) throw b.unsupported('this modifier of half arithmetic is not modelled');
    const [a, c, d] = [1, 2, 3].map((n) => b.i(b.operand(n)));
    const name = type.endsWith('x2') ? 'hfma2' : 'hfma';
    b.setI(b.operand(0), `${name}(${formatOf(type)},${relu ? 1 : 0},${a},${c},${d})`);
  }
};

const divide: Rule = (b, m, instruction) => {
  const type = instruction.modifiers.at(-1)!;
  if (!isFloat(type)) {
    divInteger(b, m, instruction);
    return;
  }
  m.type();
  m.ignore(/^(approx|full)$/);
  const { ftz, saturate, rounding } = floatModifiers(m);
  m.done();
  if (type === 'f64') {
    const [a, c] = doubles(b, 1, 2);
    setDouble(b, `${a}/${c}`);
    return;
  }
  const [a, c] = [1, 2].map((n) => flushed(b.f(b.operand(n)), ftz));
  b.setF(
    b.operand(0),
    finish(rounding === 'rn' ? `fround(${a}/${c})` : `divF32(${a},${c},'${rounding}')`, ftz, saturate),
  );
};

const extremes =
  (least: boolean): Rule =>
  (b, m) => {
    const type = m.type();
    if (!isFloat(type)) {
      extreme(least)(b, m, type);
      return;
    }
    const ftz = m.has('ftz');
    const nan = m.has('NaN');
    m.done();
    const name = least ? 'min' : 'max';
    const pick = (a: string, c: string): string =>
      nan ? `${name}(${a},${c})` : `(${a}!==${a}?${c}:${c}!==${c}?${a}:${name}(${a},${c}))`;
    if (type === 'f32') {
      const [a, c] = [1, 2].map((n) => flushed(b.f(b.operand(n)), ftz)) as [string, string];
      if (b.operands === 4) {
        b.do(`u=${pick(a, c)};`);
        b.setF(b.operand(0), pick('u', flushed(b.f(b.operand(3)), ftz)));
      } else b.setF(b.operand(0), pick(a, c));
    } else if (type === 'f64') {
      const [a, c] = doubles(b, 1, 2) as [string, string];
      b.do(`u=${a};v=${c};`);
      setDouble(b, pick('u', 'v'));
    } else half(b, nan ? `${name}.NaN` : name, type);
  };

const sign =
  (negate: boolean): Rule =>
  (b, m) => {
    const type = m.type();
    if (!isFloat(type)) {
      (negate ? negInteger : absInteger)(b, m, type);
      return;
    }
    const ftz = m.has('ftz');
    m.done();
    if (type === 'f32') {
      const a = flushed(b.f(b.operand(1)), ftz);
      b.setF(b.operand(0), negate ? `-${a}` : `abs(${a})`);
    } else if (type === 'f64') {
      const a = b.pair(b.operand(1));
      b.set64(b.operand(0), a.lo, negate ? `${a.hi}^-2147483648` : `${a.hi}&2147483647`);
    } else {
      const lanes = type.endsWith('x2');
      const mask = lanes ? (negate ? '-2147450880' : '2147450879') : negate ? '32768' : '32767';
      b.setI(b.operand(0), `${b.i(b.operand(1))}${negate ? '^' : '&'}${mask}`);
    }
  };

const add = arithmetic('+', addInteger(false));
const sub = arithmetic('-', addInteger(true));
const mul = arithmetic('*', mulInteger);

export const FLOAT: Rules = {
  add,
  sub,
  mul,
  fma: fused,
  mad: fused,
  div: divide,
  min: extremes(true),
  max: extremes(false),
  neg: sign(true),
  abs: sign(false),
  copysign: (b, m) => {
    const type = m.type();
    m.done();
    if (type !== 'f32') throw b.unsupported(`the type .${type} is not modelled here`);
    const [a, c] = [b.i(b.operand(1)), b.i(b.operand(2))];
    b.setI(b.operand(0), `(${a}&-2147483648)|(${c}&2147483647)`);
  },
  testp: (b, m) => {
    const test = m.oneOf(['finite', 'infinite', 'number', 'notanumber', 'normal', 'subnormal'] as const);
    if (m.type() !== 'f32' || !test) throw b.unsupported('only tests of f32 are modelled');
    m.done();
    const a = `(${b.i(b.operand(1))}&2147483647)`;
    const text = {
      finite: `${a}<2139095040`,
      infinite: `${a}===2139095040`,
      number: `${a}<=2139095040`,
      notanumber: `${a}>2139095040`,
      normal: `${a}<2139095040&&${a}>8388607`,
      subnormal: `${a}<8388608&&${a}>0`,
    }[test];
    b.setP(b.operand(0), `${text}?1:0`);
  },
};
