/**
 * Functions of one float -> operations. The approximate ones are modelled as correctly rounded to the last bit of what the
 * platform's double functions give.
 */

import { doubles, finish, floatModifiers, formatOf, setDouble } from './float-operands.js';
import type { Rule, Rules } from './rules.js';
import { flushed } from './rules.js';

/** One f32 in, one out. `text` is in double, and rounded to f32 here unless it is f32 already. */
const unary =
  (text: (a: string, rounding: string) => string, halfName?: string): Rule =>
  (b, m) => {
    const type = m.type();
    m.ignore(/^(approx|full)$/);
    const { ftz, saturate, rounding } = floatModifiers(m);
    m.done();
    if (type === 'f32') {
      const a = flushed(b.f(b.operand(1)), ftz);
      b.setF(b.operand(0), finish(text(a, rounding), ftz, saturate));
    } else if (type === 'f64' && halfName === undefined) {
      const [a] = doubles(b, 1);
      setDouble(b, text(a!, 'f64'));
    } else if (halfName !== undefined && /^b?f16(x2)?$/.test(type)) {
      const name = type.endsWith('x2') ? 'hunary2' : 'hunary';
      b.setI(b.operand(0), `${name}('${halfName}',${formatOf(type)},${b.i(b.operand(1))})`);
    } else throw b.unsupported(`the type .${type} is not modelled here`);
  };

const inF64 = (rounding: string, double: string, single: string): string =>
  rounding === 'f64' ? double : single;

export const FUNCTIONS: Rules = {
  rcp: unary((a, r) => inF64(r, `1/${a}`, r === 'rn' ? `fround(1/${a})` : `divF32(1,${a},'${r}')`)),
  sqrt: unary((a, r) => inF64(r, `sqrt(${a})`, r === 'rn' ? `fround(sqrt(${a}))` : `sqrtF32(${a},'${r}')`)),
  rsqrt: unary((a, r) => inF64(r, `1/sqrt(${a})`, `rsqrtF32(${a})`)),
  ex2: unary((a) => `fround(ex2(${a}))`, 'ex2'),
  lg2: unary((a) => `fround(log2(${a}))`, 'none'),
  sin: unary((a) => `fround(sin(${a}))`, 'none'),
  cos: unary((a) => `fround(cos(${a}))`, 'none'),
  tanh: unary((a) => `fround(tanh(${a}))`, 'tanh'),
};
