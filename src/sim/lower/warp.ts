/** Instructions at which lanes of a warp meet: shuffles, votes, matches, reductions, elections -> sync points. */

import type { WarpEffect } from '../program.js';
import type { Builder } from './builder.js';
import type { Rule, Rules } from './rules.js';

/** Copies what each lane brought to where all lanes may read it. */
const publish: WarpEffect = ({ inputs, outputs }, base, lanes) => {
  const [from, to] = [inputs[0]!, outputs[0]!];
  for (let lane = 0; lane < 32; lane++) if ((lanes >>> lane) & 1) to[base + lane] = from[base + lane]!;
};

const fill =
  (
    compute: (input: Int32Array | undefined, base: number, lanes: number, lane: number) => number,
  ): WarpEffect =>
  ({ inputs, outputs }, base, lanes) => {
    for (let lane = 0; lane < 32; lane++) {
      if ((lanes >>> lane) & 1) outputs[0]![base + lane] = compute(inputs[0], base, lanes, lane);
    }
  };

function ballot(input: Int32Array, base: number, lanes: number): number {
  let bits = 0;
  for (let lane = 0; lane < 32; lane++) if ((lanes >>> lane) & 1 && input[base + lane]) bits |= 1 << lane;
  return bits;
}

/** Emits the meeting; the member mask is a constant or one more input, after the others. */
function meet(
  b: Builder,
  name: string,
  maskAt: number,
  inputs: string[],
  outputs: number,
  effect: WarpEffect,
  orders = false,
): number {
  if (orders) b.ordersThreads = true;
  const operand = b.operand(maskAt);
  const constant = operand.kind === 'integer' ? Number(BigInt.asIntN(32, operand.value)) : undefined;
  const all = constant === undefined ? [...inputs, b.i(operand)] : inputs;
  const maskInput = constant === undefined ? inputs.length : -1;
  return b.sync({ kind: 'warp', name, mask: constant, maskInput, effect, orders }, all, outputs).id;
}

const shuffle: Rule = (b, m) => {
  m.has('sync');
  const mode = m.oneOf(['bfly', 'down', 'up', 'idx'] as const);
  if (!mode) throw b.unsupported('no shuffle mode is named');
  m.type();
  m.done();
  const to = b.operand(0);
  const id = meet(b, `shfl.sync.${mode}`, 4, [b.i(b.operand(1))], 1, publish);
  const [by, clamp] = [b.i(b.operand(2)), b.i(b.operand(3))];
  const from = {
    bfly: `z^(${by}&31)`,
    down: `z+(${by}&31)`,
    up: `z-(${by}&31)`,
    idx: `(z&x)|(${by}&31&~x)`,
  }[mode];
  b.do(`z=t&31;x=(${clamp}>>8)&31;y=(z&x)|(${clamp}&31&~x);x=${from};`);
  b.do(`y=x${mode === 'up' ? '>=' : '<='}y?1:0;x=y?x:z;`);
  b.do(`if(((m${id}[g>>5]>>>x)&1)===0)SF(x,g,${b.index});`);
  const result = to.kind === 'both' ? to.first : to;
  b.setI(result, `r${id}_0[(g&-32)|x]`);
  if (to.kind === 'both') b.setP(to.second, 'y');
};

const vote: Rule = (b, m) => {
  m.has('sync');
  const mode = m.oneOf(['ballot', 'any', 'all', 'uni'] as const);
  if (!mode) throw b.unsupported('no vote mode is named');
  m.ignore(/^(b32|pred)$/);
  m.done();
  const effect = fill((input, base, lanes) => {
    const bits = ballot(input!, base, lanes);
    switch (mode) {
      case 'ballot':
        return bits;
      case 'any':
        return bits !== 0 ? 1 : 0;
      case 'all':
        return bits === lanes ? 1 : 0;
      case 'uni':
        return bits === lanes || bits === 0 ? 1 : 0;
    }
  });
  const id = meet(b, `vote.sync.${mode}`, 2, [b.p(b.operand(1))], 1, effect);
  if (mode === 'ballot') b.setI(b.operand(0), `r${id}_0[g]`);
  else b.setP(b.operand(0), `r${id}_0[g]`);
};

const match: Rule = (b, m) => {
  const all = m.has('all');
  m.has('any');
  m.has('sync');
  const type = m.type();
  m.done();
  if (type !== 'b32') throw b.unsupported('only 32-bit values are matched');
  const effect = fill((input, base, lanes, lane) => {
    let same = 0;
    for (let other = 0; other < 32; other++)
      if ((lanes >>> other) & 1 && input![base + other] === input![base + lane]) same |= 1 << other;
    return all && same !== lanes ? 0 : same;
  });
  const id = meet(b, 'match.sync', 2, [b.i(b.operand(1))], 1, effect);
  const to = b.operand(0);
  if (to.kind === 'both') {
    b.setI(to.first, `r${id}_0[g]`);
    b.setP(to.second, `r${id}_0[g]!==0?1:0`);
  } else b.setI(to, `r${id}_0[g]`);
};

const COMBINE: Readonly<Record<string, (a: number, c: number, signed: boolean) => number>> = {
  add: (a, c) => (a + c) | 0,
  and: (a, c) => a & c,
  or: (a, c) => a | c,
  xor: (a, c) => a ^ c,
  min: (a, c, signed) => ((signed ? a < c : a >>> 0 < c >>> 0) ? a : c),
  max: (a, c, signed) => ((signed ? a > c : a >>> 0 > c >>> 0) ? a : c),
};

const floats = new Float32Array(2);
const floatWords = new Int32Array(floats.buffer);

/** min or max of two f32 by their bits; a NaN loses unless `.NaN` is given. */
function floatExtreme(least: boolean, nan: boolean, a: number, c: number): number {
  floatWords[0] = a;
  floatWords[1] = c;
  const [x, y] = [floats[0]!, floats[1]!];
  if (x !== x || y !== y) return nan || (x !== x && y !== y) ? 0x7fffffff : x !== x ? c : a;
  return Object.is(least ? Math.min(x, y) : Math.max(x, y), x) ? a : c;
}

const redux: Rule = (b, m) => {
  m.has('sync');
  const name = m.oneOf(['add', 'and', 'or', 'xor', 'min', 'max'] as const);
  if (!name) throw b.unsupported('no operation that is modelled');
  const absolute = m.has('abs');
  const nan = m.has('NaN');
  const type = m.type();
  m.done();
  const combine =
    type === 'f32'
      ? (a: number, c: number): number => floatExtreme(name === 'min', nan, a, c)
      : (a: number, c: number): number => COMBINE[name]!(a, c, type === 's32');
  const effect = fill((input, base, lanes) => {
    let result: number | undefined;
    for (let lane = 0; lane < 32; lane++) {
      if (!((lanes >>> lane) & 1)) continue;
      const value = absolute ? input![base + lane]! & 0x7fffffff : input![base + lane]!;
      result = result === undefined ? value : combine(result, value);
    }
    return result!;
  });
  const id = meet(b, 'redux.sync', 2, [b.i(b.operand(1))], 1, effect);
  b.setI(b.operand(0), `r${id}_0[g]`);
};

export const WARP: Rules = {
  shfl: shuffle,
  vote,
  match,
  redux,
  elect: (b, m) => {
    m.has('sync');
    m.done();
    const id = meet(
      b,
      'elect.sync',
      1,
      [],
      1,
      fill((_input, _base, lanes) => 31 - Math.clz32(lanes & -lanes)),
    );
    const to = b.operand(0);
    if (to.kind !== 'both') throw b.unsupported('elect.sync needs d|p');
    b.setI(to.first, `r${id}_0[g]`);
    b.setP(to.second, `r${id}_0[g]===(t&31)?1:0`);
  },
  activemask: (b, m) => {
    m.type();
    m.done();
    const { id } = b.sync(
      {
        kind: 'warp',
        name: 'activemask',
        mask: undefined,
        maskInput: -1,
        effect: fill((_i, _b, lanes) => lanes),
        orders: false,
      },
      [],
      1,
    );
    b.setI(b.operand(0), `r${id}_0[g]`);
  },
};

/** `bar.warp.sync mask`. */
export const warpBarrier: Rule = (b, m) => {
  m.done();
  meet(b, 'bar.warp.sync', 0, [], 0, () => undefined, true);
};
