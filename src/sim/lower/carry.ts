/** Extended-precision arithmetic: the carry flag that chains add.cc, addc, sub.cc, subc, mad.cc and madc -> a predicate slot. */

import type { Builder } from './builder.js';
import type { Modifiers } from './modifiers.js';
import type { Rule, Rules } from './rules.js';

type Kind = 'add' | 'sub' | 'mad';

/** One link of a chain on 32-bit words; `reads` takes the flag in, `.cc` gives it out. */
export const chained = (b: Builder, m: Modifiers, kind: Kind, reads: boolean): void => {
  const writes = m.has('cc');
  const high = m.has('hi');
  m.has('lo');
  const type = m.type();
  m.done();
  if (type.endsWith('64')) throw b.unsupported('carries of 64-bit arithmetic are not modelled');
  const carry = b.carry();
  if (reads) b.use(carry, 'p');
  const flag = reads ? `p${carry}` : '0';
  const [a, c] = [b.i(b.operand(1)), b.i(b.operand(2))];
  if (kind === 'sub') b.do(`u=(${a}>>>0)-(${c}>>>0)-${flag};`);
  else if (kind === 'add') b.do(`u=(${a}>>>0)+(${c}>>>0)+${flag};`);
  else b.do(`u=(${high ? 'mulhiU' : 'imul'}(${a},${c})>>>0)+(${b.i(b.operand(3))}>>>0)+${flag};`);
  b.setI(b.operand(0), 'u|0');
  if (writes) b.define({ slot: carry, p: kind === 'sub' ? 'u<0?1:0' : 'u>=4294967296?1:0' });
};

const link =
  (kind: Kind): Rule =>
  (b, m) => {
    chained(b, m, kind, true);
  };

export const CARRY: Rules = { addc: link('add'), subc: link('sub'), madc: link('mad') };
