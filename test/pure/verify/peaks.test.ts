import { expect, test } from '@jest/globals';
import { loadSpec, parseSpec } from '../../../src/spec/index.js';
import { packagePath } from '../../../src/util/package-root.js';
import { problemsOf, type Problem } from '../../../src/verify/index.js';
import { isWeighed } from '../../../src/verify/peaks.js';
import { planned } from './subjects.js';

const softmax = planned(
  await loadSpec(packagePath('specs/softmax.yaml')),
  { dims: { cols: 256 }, types: { T: 'bf16' }, flags: {} },
  'rows',
);
const norm = planned(
  await loadSpec(packagePath('specs/rms_norm.yaml')),
  { dims: { hidden: 256 }, types: { T: 'bf16' }, flags: { gated: false, unit_offset: false } },
  'tokens',
);
const DRAW = `
kernel: draw
doc: Takes the largest of what a mask allows, often seen elements moved down.
dims: { rows: dynamic, cols: 256, words: 8 }
types: { L: [bf16] }
tensors:
  x: { shape: [rows, cols], dtype: L }
  bias: { shape: [rows, cols], dtype: f32 }
  seen: { shape: [rows, cols], dtype: i32, usual: [0, 3] }
  mask: { shape: [rows, words], dtype: i32, usual: [-2147483648, 2147483647] }
  kept: { shape: [rows], dtype: i32, usual: [0, 40] }
  out: { shape: [rows], dtype: i32, access: out }
formula: |
  y = f32(x) + bias - f32(seen)
  z = select(((mask[words: index(cols) / 32] >> (index(cols) % 32)) & 1) != 0, y, -inf)
  out = argmax[cols](select(largest[cols](z, kept), z, -inf))
`;
const draw = planned(parseSpec(DRAW, 'own.yaml'), { dims: {}, types: { L: 'bf16' }, flags: {} }, 'rows');

type Row = readonly number[];

const peaked = ({ bound, variant }: typeof softmax): Problem =>
  problemsOf(bound, variant).find(({ name }) => name.endsWith('peaked'))!.problem;
const problems = { softmax: peaked(softmax), norm: peaked(norm), draw: peaked(draw) };

function rowsOf(kernel: keyof typeof problems, tensor: string): readonly Row[] {
  const data = [...problems[kernel].inputs.get(tensor)!];
  const length = data.length / 64;
  return Array.from({ length: 64 }, (_, row) => data.slice(row * length, (row + 1) * length));
}

const places = (row: Row, value: number): readonly number[] =>
  row.flatMap((each, at) => (each === value ? [at] : []));

test('a softmax and a selection weigh the elements of a row, a norm does not', () => {
  expect([softmax, norm, draw].map(({ bound }) => isWeighed(bound))).toEqual([true, false, true]);
});

test('rows that are not weighed have one peak each among ordinary elements, above them and below', () => {
  const rows = rowsOf('norm', 'x');
  const peaks = rows.map((row) => row.flatMap((value, at) => (Math.abs(value) === 24 ? [at] : [])));
  expect(new Set(peaks.map(([at]) => at! % 8)).size).toBe(8);
  expect(rows.every((row) => new Set(row).size > 50)).toBe(true);
  expect(rows.map((row) => places(row, -24).length)).toEqual(rows.map((_, row) => row % 2));
});

test('at each place of a vector one peak beside -inf alone, and all of those of the last vector', () => {
  for (const tensor of [rowsOf('softmax', 'x'), rowsOf('draw', 'x'), rowsOf('draw', 'bias')]) {
    const lone = tensor.filter((row) => places(row, -Infinity).length === 255);
    const at = lone.map((row) => row.indexOf(24));
    expect(at).toHaveLength(16);
    expect(new Set(at.filter((place) => place < 248).map((place) => place % 8)).size).toBe(8);
    expect(at.filter((place) => place >= 248).sort()).toEqual([248, 249, 250, 251, 252, 253, 254, 255]);
  }
});

test('pairs of peaks, equal and one unit off, beside what vanishes: each place of a vector is in both', () => {
  const pairs = rowsOf('softmax', 'x').filter((row) => places(row, -80).length === 254);
  const equal = pairs.filter((row) => places(row, 24).length === 2);
  const above = pairs.filter((row) => places(row, 24.125).length === 1);
  expect([equal.length, above.length]).toEqual([8, 8]);
  for (const rows of [equal, above]) {
    const at = rows.flatMap((row) => [...places(row, 24), ...places(row, 24.125)]);
    expect(Array.from({ length: 8 }, (_, place) => at.filter((each) => each % 8 === place).length)).toEqual(
      Array<number>(8).fill(2),
    );
  }
});

test('flat rows: numbers whose upper eleven bits are the same, few of them the largest', () => {
  const view = new DataView(new ArrayBuffer(4));
  const upper = (value: number): number => {
    view.setFloat32(0, value);
    return view.getUint32(0) >>> 21;
  };
  const flat = rowsOf('softmax', 'x').filter((row) => new Set(row.map(upper)).size === 1);
  expect(flat.filter((row) => row[0]! > 0).length).toBe(8);
  expect(flat.filter((row) => row[0]! < 0).length).toBe(8);
  for (const row of flat) {
    expect(new Set(row).size).toBeGreaterThan(8);
    expect(places(row, Math.max(...row)).length).toBeLessThan(20);
  }
});

test('integers beside rows of peaks are alike: a mask allows all, nothing was seen; one number a row is as usual', () => {
  const x = rowsOf('draw', 'x');
  const [mask, seen, kept] = ['mask', 'seen', 'kept'].map((tensor) => rowsOf('draw', tensor));
  const bare = x.flatMap((row, i) =>
    places(row, -80).length + places(row, -Infinity).length > 0 ? [i] : [],
  );
  expect(bare).toHaveLength(32);
  for (const i of bare) {
    expect(new Set(mask![i])).toEqual(new Set([-1]));
    expect(new Set(seen![i])).toEqual(new Set([0]));
  }
  expect(new Set(kept!.flat()).size).toBeGreaterThan(8);
  expect(new Set(mask!.flat()).size).toBeGreaterThan(8);
});
