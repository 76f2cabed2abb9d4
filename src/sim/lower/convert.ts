/** cvt -> operations: integers, f32, f16, bf16, tf32, the 8-, 6- and 4-bit floats, f64. */

import type { PtxOperand } from '../ptx/ast.js';
import type { Builder } from './builder.js';
import type { Rule, Rules } from './rules.js';
import { extend, fit, flushed, is64, isSigned, width } from './rules.js';

const SMALL = /^(e4m3|e5m2|e2m1|e2m3|e3m2)(x2|x4)?$/;
const TYPES = new Set(
  's8 u8 b8 s16 u16 b16 s32 u32 b32 s64 u64 b64 f16 bf16 f32 f64 f16x2 bf16x2 tf32 e4m3x2 e5m2x2 e2m1x2 e2m3x2 e3m2x2 ue8m0x2'.split(
    ' ',
  ),
);

interface Conversion {
  readonly rounding: string | undefined;
  readonly integral: string | undefined;
  readonly ftz: boolean;
  readonly saturate: boolean;
  readonly finite: boolean;
  readonly relu: boolean;
}

const isInteger = (type: string): boolean => /^[sub]\d+$/.test(type);

/** Bits of a float text: statements that leave them in `name`. */
function bitsInto(name: string, text: string): string {
  return `F0[0]=${text};${name}=F0[0]===F0[0]?I0[0]:2147483647;`;
}

/** The bits in `name`, rounded to nearest even bf16 in the upper half. NaN must be 0x7fffffff already. */
function bf16Upper(name: string): string {
  return `${name}=${name}===2147483647?${name}:(${name}+32767+((${name}>>>16)&1))|0;`;
}

const convert: Rule = (b, m, instruction) => {
  const types = instruction.modifiers.filter((name) => TYPES.has(name));
  for (const type of types) m.has(type);
  const [to, from] = types;
  if (to === undefined || from === undefined)
    throw b.unsupported('a conversion needs two types that are modelled');
  m.ignore(/^pack$/);
  const c: Conversion = {
    rounding: m.oneOf(['rn', 'rz', 'rm', 'rp', 'rna', 'rs']),
    integral: m.oneOf(['rni', 'rzi', 'rmi', 'rpi']),
    ftz: m.has('ftz'),
    saturate: m.has('sat'),
    finite: m.has('satfinite'),
    relu: m.has('relu'),
  };
  m.done();
  if (c.rounding === 'rs') throw b.unsupported('stochastic rounding is not modelled');
  if (isInteger(to) && isInteger(from)) integerToInteger(b, to, from, c);
  else if (isInteger(from)) integerToFloat(b, to, from, c);
  else if (isInteger(to)) floatToInteger(b, to, from, c);
  else floatToFloat(b, to, from, c);
};

function clampText(text: string, to: string, from: string): string {
  const bits = width(to);
  const signed = isSigned(to);
  const least = signed ? -(2 ** (bits - 1)) : 0;
  const most = signed ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const value = isSigned(from) ? text : `(${text}>>>0)`;
  return `(u=${value},u<${least}?${least}:u>${most}?${most}:u)`;
}

function integerToInteger(b: Builder, to: string, from: string, c: Conversion): void {
  const [d, a] = [b.operand(0), b.operand(1)];
  if (is64(from)) {
    const pair = b.pair(a);
    if (is64(to)) b.set64(d, pair.lo, pair.hi);
    else if (c.saturate) throw b.unsupported('saturating from 64 bits is not modelled');
    else b.setI(d, fit(extend(pair.lo, to), b.bits(d)));
    return;
  }
  const value = extend(b.i(a), from);
  if (is64(to)) b.set64(d, `${value}|0`, isSigned(from) ? `${value}>>31` : '0');
  else if (c.saturate) b.setI(d, fit(clampText(value, to, from), b.bits(d)));
  else b.setI(d, fit(extend(value, to), b.bits(d)));
}

function integerToFloat(b: Builder, to: string, from: string, c: Conversion): void {
  const [d, a] = [b.operand(0), b.operand(1)];
  const rounding = c.rounding ?? 'rn';
  if (is64(from)) {
    const { lo, hi } = b.pair(a);
    const signed = isSigned(from) ? 1 : 0;
    if (to === 'f32') b.setF(d, saturated(`wideToF32(${lo},${hi},${signed},'${rounding}')`, c));
    else if (to === 'f64') setDouble(b, `wideToF64(${lo},${hi},${signed})`);
    else throw b.unsupported('this conversion from 64 bits is not modelled');
    return;
  }
  const word = extend(b.i(a), from);
  const value = isSigned(from) ? word : `(${word}>>>0)`;
  if (to === 'f32')
    b.setF(d, saturated(rounding === 'rn' ? `fround(${value})` : `wordToF32(${value},'${rounding}')`, c));
  else if (to === 'f64') setDouble(b, value);
  else if (to === 'f16' || to === 'bf16') b.setI(d, `narrowF64('${to}',${value},'${rounding}')`);
  else throw b.unsupported(`a conversion to .${to} is not modelled`);
}

function saturated(text: string, c: Conversion): string {
  return c.saturate ? `(u=${text},u>0?u<1?u:1:0)` : text;
}

function setDouble(b: Builder, text: string): void {
  b.do(`x=undbl(${text});y=HI[0];`);
  b.set64(b.operand(0), 'x', 'y');
}

/** A float operand's value as a JavaScript number. */
function floatValue(b: Builder, operand: PtxOperand, type: string, ftz: boolean): string {
  switch (type) {
    case 'f32':
      return flushed(b.f(operand), ftz);
    case 'f16':
      return `H2F[${b.i(operand)}]`;
    case 'bf16':
      b.do(`I0[0]=${b.i(operand)}<<16;v=F0[0];`);
      return 'v';
    case 'f64': {
      const pair = b.pair(operand);
      return `dbl(${pair.lo},${pair.hi})`;
    }
    default:
      throw b.unsupported(`a conversion from .${type} is not modelled`);
  }
}

function floatToInteger(b: Builder, to: string, from: string, c: Conversion): void {
  const d = b.operand(0);
  const value = floatValue(b, b.operand(1), from, c.ftz);
  const mode = c.integral;
  if (mode === undefined) throw b.unsupported('a conversion to an integer needs .rni, .rzi, .rmi or .rpi');
  const signed = isSigned(to) ? 1 : 0;
  if (is64(to)) {
    b.do(`x=toInteger64(${value},'${mode}',${signed});y=HI[0];`);
    b.set64(d, 'x', 'y');
  } else b.setI(d, fit(`toInteger(${value},'${mode}',${width(to)},${signed})`, b.bits(d)));
}

function floatToFloat(b: Builder, to: string, from: string, c: Conversion): void {
  const [d, a] = [b.operand(0), b.operand(1)];
  const finite = c.finite ? 1 : 0;
  const relu = c.relu ? 1 : 0;
  const rounding = c.rounding ?? 'rn';
  const small = SMALL.exec(to);
  if (to === 'ue8m0x2') {
    if (from !== 'f32') throw b.unsupported('only f32 is converted to ue8m0');
    const [high, low] = [b.i(a), b.i(b.operand(2))];
    const up = rounding === 'rp' ? 1 : 0;
    b.setI(d, `(toUe8m0(${high},${up},${finite})<<8)|toUe8m0(${low},${up},${finite})`);
  } else if (small) {
    // Packed: the first source is the upper element.
    const step = small[1] === 'e2m1' ? 4 : 8;
    const lane = (bits: string): string => `narrowTo('${small[1]}',${bits},'${rounding}',${finite},${relu})`;
    if (from === 'f32') {
      const [high, low] = [b.f(a), b.f(b.operand(2))];
      b.do(`${bitsInto('x', high)}${bitsInto('y', low)}`);
    } else if (from === 'f16x2') {
      const pair = b.i(a);
      b.do(`${bitsInto('x', `H2F[${pair}>>>16]`)}${bitsInto('y', `H2F[${pair}&65535]`)}`);
    } else if (from === 'bf16x2') {
      const pair = b.i(a);
      b.do(`x=${pair}&-65536;y=${pair}<<16;`);
    } else throw b.unsupported(`a conversion from .${from} is not modelled`);
    b.setI(d, `(${lane('x')}<<${step})|${lane('y')}`);
  } else if (SMALL.test(from)) {
    if (to !== 'f16x2') throw b.unsupported(`a conversion to .${to} is not modelled`);
    b.setI(d, `widenF16x2('${SMALL.exec(from)![1]}',${b.i(a)},${relu})`);
  } else if (to === 'bf16x2' || to === 'f16x2') {
    if (from !== 'f32') throw b.unsupported(`a conversion from .${from} is not modelled`);
    const [high, low] = [flushed(b.f(a), c.ftz), flushed(b.f(b.operand(2)), c.ftz)];
    b.do(`${bitsInto('x', high)}${bitsInto('y', low)}`);
    if (to === 'bf16x2' && rounding === 'rn' && !finite && !relu) {
      b.do(`${bf16Upper('x')}${bf16Upper('y')}`);
      b.setI(d, '(x&-65536)|(y>>>16)');
    } else {
      const lane = (bits: string): string =>
        `narrowTo('${to.slice(0, -2)}',${bits},'${rounding}',${finite},${relu})`;
      b.setI(d, `(${lane('x')}<<16)|${lane('y')}`);
    }
  } else if (to === 'f16' || to === 'bf16') toHalf(b, to, from, c);
  else if (to === 'tf32') {
    b.do(bitsInto('x', b.f(a)));
    const magnitude =
      rounding === 'rna' ? '(x+4096)&-8192' : rounding === 'rz' ? 'x&-8192' : '(x+4095+((x>>>13)&1))&-8192';
    b.setI(d, `(x&2147483647)>=2139095040?x:${relu ? `x<0?0:${magnitude}` : magnitude}`);
  } else if (to === 'f32') {
    if (from === 'bf16' && !c.saturate && !c.integral) {
      b.do(`I0[0]=${b.i(a)}<<16;`);
      b.setF(d, 'F0[0]');
      return;
    }
    const value = floatValue(b, a, from, c.ftz);
    const integral = c.integral ? `roundIntegral(${value},'${c.integral}')` : value;
    const rounded =
      from !== 'f64'
        ? integral
        : rounding === 'rn'
          ? `fround(${integral})`
          : `mulF32(1,${integral},'${rounding}')`;
    b.setF(d, saturated(flushedResult(rounded, c.ftz), c));
  } else if (to === 'f64') {
    const value = floatValue(b, a, from, c.ftz);
    setDouble(b, c.integral ? `roundIntegral(${value},'${c.integral}')` : value);
  } else throw b.unsupported(`a conversion from .${from} to .${to} is not modelled`);
}

function flushedResult(text: string, ftz: boolean): string {
  return ftz ? `(u=${text},u<1.1754943508222875e-38&&u>-1.1754943508222875e-38?u*0:u)` : text;
}

function toHalf(b: Builder, to: 'f16' | 'bf16', from: string, c: Conversion): void {
  const [d, a] = [b.operand(0), b.operand(1)];
  const rounding = c.rounding ?? 'rn';
  if (from === 'f64') {
    b.setI(d, `narrowF64('${to}',${floatValue(b, a, from, false)},'${rounding}')`);
    return;
  }
  const value = floatValue(b, a, from, c.ftz);
  b.do(bitsInto('x', c.integral ? `roundIntegral(${value},'${c.integral}')` : value));
  if (to === 'bf16' && rounding === 'rn' && !c.finite && !c.relu) {
    b.do(bf16Upper('x'));
    b.setI(d, 'x>>>16');
  } else b.setI(d, `narrowTo('${to}',x,'${rounding}',${c.finite ? 1 : 0},${c.relu ? 1 : 0})`);
}

export const CONVERT: Rules = { cvt: convert };
