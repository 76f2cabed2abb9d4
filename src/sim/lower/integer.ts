/** Integer arithmetic, logic, shifts and bit fields -> operations. */

import type { Builder, Pair } from './builder.js';
import type { Modifiers } from './modifiers.js';
import type { Rule, Rules } from './rules.js';
import { add64, extend, fit, is64, isSigned, width } from './rules.js';

function words(b: Builder, type: string, ...at: number[]): string[] {
  return at.map((n) => extend(b.i(b.operand(n)), type));
}

function pairs(b: Builder, ...at: number[]): Pair[] {
  return at.map((n) => b.pair(b.operand(n)));
}

function set(b: Builder, type: string, text: string): void {
  b.setI(b.operand(0), fit(text, width(type)));
}

/** Sum or difference of integers; floats have rules of their own. */
export const addInteger = (negate: boolean) => (b: Builder, m: Modifiers, type: string) => {
  const saturate = m.has('sat');
  m.done();
  const sign = negate ? '-' : '+';
  if (is64(type)) {
    const [a, c] = pairs(b, 1, 2) as [Pair, Pair];
    if (!negate) {
      const sum = add64(a, c);
      b.do(sum.before);
      b.set64(b.operand(0), sum.lo, sum.hi);
    } else {
      b.do(`x=(${a.lo}-${c.lo})|0;`);
      b.set64(b.operand(0), 'x', `(${a.hi}-${c.hi}-((${a.lo}>>>0)<(${c.lo}>>>0)?1:0))|0`);
    }
  } else if (type.endsWith('x2')) {
    const [a, c] = words(b, 'b32', 1, 2) as [string, string];
    b.setI(b.operand(0), `((${a}${sign}${c})&65535)|(((${a}>>>16)${sign}(${c}>>>16))<<16)`);
  } else {
    const [a, c] = words(b, type, 1, 2) as [string, string];
    if (saturate) b.setI(b.operand(0), `max(-2147483648,min(2147483647,${a}${sign}${c}))`);
    else set(b, type, `${a}${sign}${c}`);
  }
};

function product(b: Builder, m: Modifiers, type: string): { kind: 'word' | 'wide' | 'long'; text: string } {
  const [x, y] = [b.operand(1), b.operand(2)];
  if (m.has('wide')) {
    if (width(type) === 16)
      return { kind: 'word', text: `imul(${extend(b.i(x), type)},${extend(b.i(y), type)})` };
    const [a, c] = [b.i(x), b.i(y)];
    b.do(`x=imul(${a},${c});y=${isSigned(type) ? 'mulhiS' : 'mulhiU'}(${a},${c});`);
    return { kind: 'wide', text: '' };
  }
  const high = m.has('hi');
  if (!high && !m.has('lo')) throw b.unsupported('a product needs .lo, .hi or .wide');
  if (is64(type)) {
    const [a, c] = pairs(b, 1, 2) as [Pair, Pair];
    const call = high ? `wide('mulhi',${isSigned(type) ? 1 : 0},` : 'mul64(';
    b.do(`x=${call}${a.lo},${a.hi},${c.lo},${c.hi});y=HI[0];`);
    return { kind: 'long', text: '' };
  }
  const [a, c] = words(b, type, 1, 2) as [string, string];
  if (!high) return { kind: 'word', text: `imul(${a},${c})` };
  if (width(type) === 16) return { kind: 'word', text: `imul(${a},${c})>>16` };
  return { kind: 'word', text: `${isSigned(type) ? 'mulhiS' : 'mulhiU'}(${a},${c})` };
}

export const mulInteger = (b: Builder, m: Modifiers, type: string): void => {
  const { kind, text } = product(b, m, type);
  m.done();
  if (kind === 'word') b.setI(b.operand(0), fit(text, b.bits(b.operand(0))));
  else b.set64(b.operand(0), 'x', 'y');
};

export const madInteger = (b: Builder, m: Modifiers, type: string): void => {
  const { kind, text } = product(b, m, type);
  m.done();
  if (kind === 'word') {
    const addend = b.i(b.operand(3));
    b.setI(b.operand(0), fit(`${text}+${addend}`, b.bits(b.operand(0))));
    return;
  }
  const c = b.pair(b.operand(3));
  b.do(`z=(x+${c.lo})|0;y=(y+${c.hi}+((z>>>0)<(x>>>0)?1:0))|0;`);
  b.set64(b.operand(0), 'z', 'y');
};

const divide =
  (remainder: boolean): Rule =>
  (b, m) => {
    const type = m.type();
    m.done();
    const signed = isSigned(type);
    if (is64(type)) {
      const [a, c] = pairs(b, 1, 2) as [Pair, Pair];
      const name = remainder ? 'rem' : 'div';
      b.do(`x=wide('${name}',${signed ? 1 : 0},${a.lo},${a.hi},${c.lo},${c.hi});y=HI[0];`);
      b.set64(b.operand(0), 'x', 'y');
      return;
    }
    const [a, c] = words(b, type, 1, 2) as [string, string];
    const [n, d] = signed ? [a, c] : [`(${a}>>>0)`, `(${c}>>>0)`];
    // Division by zero is unspecified; all ones is what the hardware's sequence gives.
    if (remainder) set(b, type, `${d}===0?${n}:${n}%${d}`);
    else set(b, type, `${d}===0?-1:${n}/${d}`);
  };

/** div.f32 shares the opcode; the caller has taken the type. */
export const divInteger = divide(false);

export const extreme = (least: boolean) => (b: Builder, m: Modifiers, type: string) => {
  const relu = m.has('relu');
  m.done();
  const signed = isSigned(type);
  if (is64(type)) {
    const [a, c] = pairs(b, 1, 2) as [Pair, Pair];
    const name = least ? 'min' : 'max';
    b.do(`x=wide('${name}',${signed ? 1 : 0},${a.lo},${a.hi},${c.lo},${c.hi});y=HI[0];`);
    b.set64(b.operand(0), 'x', 'y');
    return;
  }
  if (type.endsWith('x2')) throw b.unsupported('packed integer minimum and maximum are not modelled');
  const [a, c] = words(b, type, 1, 2) as [string, string];
  const [x, y] = signed ? [a, c] : [`(${a}>>>0)`, `(${c}>>>0)`];
  const best = `${x}${least ? '<' : '>'}${y}?${a}:${c}`;
  set(b, type, relu ? `max(0,${best})` : best);
};

const bitwise =
  (operator: string): Rule =>
  (b, m) => {
    const type = m.type();
    m.done();
    if (type === 'pred') {
      const [a, c] = [b.p(b.operand(1)), b.p(b.operand(2))];
      b.setP(b.operand(0), `${a}${operator}${c}`);
    } else if (is64(type)) {
      const [a, c] = pairs(b, 1, 2) as [Pair, Pair];
      b.set64(b.operand(0), `${a.lo}${operator}${c.lo}`, `${a.hi}${operator}${c.hi}`);
    } else {
      const [a, c] = [b.i(b.operand(1)), b.i(b.operand(2))];
      set(b, type, `${a}${operator}${c}`);
    }
  };

const not: Rule = (b, m) => {
  const type = m.type();
  m.done();
  if (type === 'pred') b.setP(b.operand(0), `1-${b.p(b.operand(1))}`);
  else if (is64(type)) {
    const a = b.pair(b.operand(1));
    b.set64(b.operand(0), `~${a.lo}`, `~${a.hi}`);
  } else set(b, type, `~${b.i(b.operand(1))}`);
};

/** Shift amounts beyond the width clamp to it. */
const shift =
  (left: boolean): Rule =>
  (b, m) => {
    const type = m.type();
    m.done();
    const by = b.i(b.operand(2));
    const signed = isSigned(type);
    if (is64(type)) {
      const a = b.pair(b.operand(1));
      b.do(left ? `x=shl64(${a.lo},${a.hi},${by});` : `x=shr64(${a.lo},${a.hi},${by},${signed ? 1 : 0});`);
      b.do('y=HI[0];');
      b.set64(b.operand(0), 'x', 'y');
      return;
    }
    const a = extend(b.i(b.operand(1)), type);
    const constant = /^\d+$/.test(by) && Number(by) < width(type);
    const operator = left ? '<<' : signed ? '>>' : '>>>';
    if (constant) set(b, type, `${a}${operator}${by}`);
    else set(b, type, `(${by}>>>0)>31?${!left && signed ? `${a}>>31` : '0'}:${a}${operator}${by}`);
  };

const one =
  (text: (a: string) => string): Rule =>
  (b, m) => {
    const type = m.type();
    m.done();
    if (is64(type)) throw b.unsupported('the 64-bit form is not modelled');
    set(b, type, text(extend(b.i(b.operand(1)), type)));
  };

const popc: Rule = (b, m) => {
  const type = m.type();
  m.done();
  if (is64(type)) {
    const a = b.pair(b.operand(1));
    b.setI(b.operand(0), `popc(${a.lo})+popc(${a.hi})`);
  } else b.setI(b.operand(0), `popc(${b.i(b.operand(1))})`);
};

const clz: Rule = (b, m) => {
  const type = m.type();
  m.done();
  if (is64(type)) {
    const a = b.pair(b.operand(1));
    b.setI(b.operand(0), `${a.hi}===0?32+clz(${a.lo}):clz(${a.hi})`);
  } else b.setI(b.operand(0), `clz(${b.i(b.operand(1))})`);
};

/** abs and neg of integers. */
export const negInteger = (b: Builder, m: Modifiers, type: string): void => {
  m.done();
  if (is64(type)) {
    const a = b.pair(b.operand(1));
    b.set64(b.operand(0), `(-${a.lo})|0`, `(~${a.hi}+(${a.lo}===0?1:0))|0`);
  } else set(b, type, `-${extend(b.i(b.operand(1)), type)}`);
};

export const absInteger = (b: Builder, m: Modifiers, type: string): void => {
  m.done();
  if (is64(type)) {
    const a = b.pair(b.operand(1));
    b.do(`x=${a.lo};y=${a.hi};if(y<0){y=(~y+(x===0?1:0))|0;x=(-x)|0;}`);
    b.set64(b.operand(0), 'x', 'y');
  } else set(b, type, `abs(${extend(b.i(b.operand(1)), type)})`);
};

const three =
  (text: (a: string, c: string, d: string, type: string) => string): Rule =>
  (b, m) => {
    const type = m.type();
    m.done();
    if (is64(type)) throw b.unsupported('the 64-bit form is not modelled');
    const [a, c, d] = words(b, type, 1, 2, 3) as [string, string, string];
    b.setI(b.operand(0), text(a, c, d, type));
  };

export const INTEGER: Rules = {
  mul24: (b, m) => {
    const type = m.type();
    if (!m.has('lo')) throw b.unsupported('only mul24.lo is modelled');
    m.done();
    const cut = isSigned(type) ? '<<8>>8' : '&16777215';
    b.setI(b.operand(0), `imul(${b.i(b.operand(1))}${cut},${b.i(b.operand(2))}${cut})`);
  },
  rem: divide(true),
  and: bitwise('&'),
  or: bitwise('|'),
  xor: bitwise('^'),
  not,
  cnot: one((a) => `${a}===0?1:0`),
  shl: shift(true),
  shr: shift(false),
  popc,
  clz,
  brev: one((a) => `brev(${a})`),
  bfe: three((a, p, l, type) => `bfe(${a},${p},${l},${isSigned(type) ? 1 : 0})`),
  sad: three((a, c, d, type) =>
    isSigned(type) ? `(${d}+abs(${a}-${c}))|0` : `(${d}+abs((${a}>>>0)-(${c}>>>0)))|0`,
  ),
  bfi: (b, m) => {
    if (is64(m.type())) throw b.unsupported('the 64-bit form is not modelled');
    m.done();
    const [field, into, position, length] = [1, 2, 3, 4].map((n) => b.i(b.operand(n)));
    b.setI(b.operand(0), `bfi(${field},${into},${position},${length})`);
  },
  bfind: (b, m) => {
    const amount = m.has('shiftamt');
    const type = m.type();
    m.done();
    if (is64(type)) throw b.unsupported('the 64-bit form is not modelled');
    const at = `bfind(${b.i(b.operand(1))},${isSigned(type) ? 1 : 0})`;
    b.setI(b.operand(0), amount ? `((z=${at})<0?z:31-z)` : at);
  },
  lop3: (b, m) => {
    m.type();
    m.done();
    const [a, c, d, table] = [1, 2, 3, 4].map((n) => b.i(b.operand(n)));
    b.setI(b.operand(0), `lop3(${a},${c},${d},${table})`);
  },
  prmt: (b, m) => {
    m.type();
    const mode = m.oneOf(['f4e', 'b4e', 'rc8', 'ecl', 'ecr', 'rc16'] as const);
    m.done();
    const [a, c, selector] = [1, 2, 3].map((n) => b.i(b.operand(n)));
    b.setI(b.operand(0), mode ? `prmtMode('${mode}',${a},${c},${selector})` : `prmt(${a},${c},${selector})`);
  },
  shf: (b, m) => {
    const left = m.has('l') || (m.has('r'), false);
    const clamp = m.has('clamp') || (m.has('wrap'), false);
    m.type();
    m.done();
    const [lo, hi, by] = [1, 2, 3].map((n) => b.i(b.operand(n)));
    b.setI(b.operand(0), `shf(${lo},${hi},${by},${left ? 1 : 0},${clamp ? 1 : 0})`);
  },
  dp4a: (b, m) => {
    const a = m.type();
    const c = m.type();
    m.done();
    const [x, y, z] = [1, 2, 3].map((n) => b.i(b.operand(n)));
    b.setI(b.operand(0), `dp4a(${x},${y},${z},${isSigned(a) ? 1 : 0},${isSigned(c) ? 1 : 0})`);
  },
};
