/** Each operator on the tile form, by what it makes of a small body. */

import { describe, expect, it } from '@jest/globals';
import type { Kernel } from '../../../../src/ir/index.js';
import { compare, i32, literal, name, type Statement, type TileExpr } from '../../../../src/ir/tile.js';
import { irMutants, IR_OPERATORS } from '../../../../src/verify/mutation/index.js';

const kernelOf = (body: readonly Statement[]): Kernel => ({
  name: 'k',
  tensors: [],
  scalars: [],
  shared: [],
  sections: [{ name: '', values: [], stores: [], axes: [], body }],
});

/** `before -> after` of every mutant that one operator makes of a body. */
function changes(operator: string, body: readonly Statement[]): readonly string[] {
  const wanted = IR_OPERATORS.filter((each) => each.name === operator);
  expect(wanted).toHaveLength(1);
  return irMutants('v', kernelOf(body), wanted).map(({ before, after }) => `${before} -> ${after}`);
}

const x = name('x', 'f32');
const n = name('n', 'i32');
const row: TileExpr = { kind: 'cta-index', dtype: 'i32', width: 0 };
const element = (index: TileExpr): TileExpr => ({
  kind: 'element',
  of: 'r',
  at: [{ kind: 'vector' }, { kind: 'at', index }],
  dtype: 'f32',
  width: 4,
});
const let_ = (value: TileExpr): Statement => ({ kind: 'let', name: 'y', value });
const store = (index: TileExpr): Statement => ({
  kind: 'store',
  to: 'out',
  at: [{ kind: 'at', index }],
  value: x,
});
const fold: TileExpr = {
  kind: 'fold',
  fn: 'sum',
  operand: element(i32(0)),
  initial: literal(0, 'f32'),
  dtype: 'f32',
  width: 0,
};
const warp: TileExpr = {
  kind: 'warp-reduce',
  fn: 'max',
  operand: x,
  threads: 16,
  stride: 2,
  dtype: 'f32',
  width: 0,
};
const cast = (dtype: 'bf16' | 'f32' | 'i64'): TileExpr => ({
  kind: 'cast',
  operand: x,
  rounding: 'rn',
  saturate: false,
  dtype,
  width: 0,
});
const loop: Statement = {
  kind: 'loop',
  variable: 'i',
  begin: i32(0),
  end: n,
  step: i32(1),
  unroll: 1,
  body: [store(name('i', 'i32'))],
};

describe('operators on the tile form', () => {
  it.each<[string, readonly Statement[], readonly string[]]>([
    [
      'ir-drop-barrier',
      [{ kind: 'barrier' }, { kind: 'cluster-barrier' }],
      ['barrier -> ', 'cluster-barrier -> '],
    ],
    ['ir-drop-wait', [{ kind: 'dependent-wait' }, { kind: 'dependent-launch' }], ['dependent-wait -> ']],
    ['ir-drop-store', [loop], ['out[i] = x -> ']],
    [
      'ir-drop-guard',
      [{ kind: 'if', condition: compare('<', row, n), then: [store(row)] }],
      ['if (cta-index < n) -> out[cta-index] = x'],
    ],
    ['ir-shift-store', [store(row)], ['out[cta-index] = x -> out[(cta-index + 1)] = x']],
    [
      'ir-shift-store',
      [store(i32(0)), store(i32(3))],
      ['out[0] = x -> out[1] = x', 'out[3] = x -> out[2] = x'],
    ],
    ['ir-shift-load', [let_(element(n))], ['r[*, n] -> r[*, (n + 1)]']],
    [
      'ir-loop-bound',
      [loop],
      ['loop i = (0 + 1), n, 1', 'loop i = 0, (n + 1), 1', 'loop i = 0, (n - 1), 1'].map(
        (after) => `loop i = 0, n, 1 -> ${after}`,
      ),
    ],
    [
      'ir-loop-bound',
      [{ kind: 'unroll', variable: 't', extent: 3, body: [] }],
      ['unroll t < 3 -> unroll t < 2'],
    ],
    ['ir-reduce-fn', [let_(fold)], ['fold sum(r[*, 0], 0) -> fold max(r[*, 0], 0)']],
    ['ir-fold-initial', [let_(fold)], ['fold sum(r[*, 0], 0) -> fold sum(r[*, 0], 1)']],
    ['ir-constant', [let_(literal(-Infinity, 'f32')), let_(literal(3, 'f32'))], ['-Infinity -> 1', '3 -> 6']],
    ['ir-constant', [let_(i32(3))], []],
    [
      'ir-cast-rounding',
      [let_(cast('bf16')), let_(cast('f32')), let_(cast('i64'))],
      ['bf16.rn(x) -> bf16.rz(x)'],
    ],
    [
      'ir-swap-select',
      [
        let_({
          kind: 'select',
          condition: compare('<', n, i32(4)),
          then: x,
          otherwise: literal(0, 'f32'),
          traced: false,
          dtype: 'f32',
          width: 0,
        }),
      ],
      ['select((n < 4), x, 0) -> select((n < 4), 0, x)'],
    ],
    [
      'ir-warp-lanes',
      [let_(warp)],
      ['warp max(x, 8 lanes, 2 apart)', 'warp max(x, 16 lanes, 1 apart)'].map(
        (after) => `warp max(x, 16 lanes, 2 apart) -> ${after}`,
      ),
    ],
    ['ir-row-index', [let_(row)], ['cta-index -> (cta-index + 1)', 'cta-index -> thread-index']],
    [
      'ir-move-bound',
      [let_(compare('<', row, n)), let_(compare('>=', x, x))],
      ['(cta-index < n) -> (cta-index <= n)'],
    ],
    ['ir-swap-operands', [let_(compare('<', row, n))], ['(cta-index < n) -> (n < cta-index)']],
    [
      'ir-replace-operation',
      [let_({ kind: 'binary', fn: '+', left: row, right: n, dtype: 'i32', width: 0 })],
      ['(cta-index + n) -> (cta-index - n)'],
    ],
  ])('%s', (operator, body, expected) => {
    expect(changes(operator, body)).toEqual(expected);
  });

  it('moves a view by one vector, with and without an offset', () => {
    const view = { kind: 'view', name: 'g', tensor: 'x', dtype: 'bf16', multipleOf: 8, shape: '' } as const;
    const layout = {} as never;
    const body: readonly Statement[] = [
      { ...view, layout },
      { ...view, layout, offset: name('o', 'i64') },
    ];
    expect(changes('ir-view-offset', body)).toEqual([
      'g = view of x at 0 -> g = view of x at 8',
      'g = view of x at o -> g = view of x at (o + 8)',
    ]);
  });

  it('changes one node and leaves the rest as it is', () => {
    const body: readonly Statement[] = [let_(fold), loop, { kind: 'barrier' }, let_(warp)];
    const mutants = irMutants('v', kernelOf(body));
    expect(mutants.length).toBeGreaterThan(8);
    for (const { changed, operator } of mutants) {
      const after = changed.sections[0]!.body!;
      const same = body.filter((statement) => after.includes(statement)).length;
      expect([operator, same]).toEqual([operator, body.length - 1]);
    }
    expect(new Set(mutants.map(({ id }) => id)).size).toBe(mutants.length);
    expect(irMutants('v', kernelOf(body)).map(({ id }) => id)).toEqual(mutants.map(({ id }) => id));
  });

  it('names every operator once and says what it stands for', () => {
    const names = IR_OPERATORS.map((each) => each.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(8);
    for (const { doc } of IR_OPERATORS) expect(doc).toMatch(/\w+ \w+/);
  });
});
