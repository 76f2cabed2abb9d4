import { describe, expect, test } from '@jest/globals';
import { bindKernel, parseSpec, type Dtype } from '../../../src/spec/index.js';
import { compareOutput, type Comparison } from '../../../src/verify/compare.js';
import { formatFailure } from '../../../src/verify/index.js';
import type { Output } from '../../../src/verify/launch.js';

interface Element {
  readonly actual: number;
  readonly expected: number;
  readonly error?: number;
  /** Whether the formula, and whether the kernel, writes it. */
  readonly meant?: boolean;
  readonly written?: boolean;
}

function compared(
  dtype: Dtype,
  elements: readonly Element[],
  {
    access = 'out',
    tolerance = 1,
    strayByte,
  }: { access?: string; tolerance?: number; strayByte?: number } = {},
): Comparison {
  const spec = parseSpec(
    `{ kernel: k, doc: Copies., dims: { rows: dynamic, cols: 2 }, tensors: { x: { shape: [rows, cols], dtype: ${dtype} }, out: { shape: [rows, cols], dtype: ${dtype}, access: ${access} } }, formula: "out = x" }`,
    'own.yaml',
  );
  const bound = bindKernel(spec, { dims: {}, types: {}, flags: {} });
  const output: Output = {
    tensor: bound.tensors[1]!,
    layout: { shape: [elements.length / 2, 2], strides: [2, 1], span: elements.length },
    values: Float64Array.from(elements, ({ actual }) => actual),
    written: Uint8Array.from(elements, ({ written }) => (written === false ? 0 : 1)),
    bytes: new Uint8Array(),
    offsets: Float64Array.from(elements, (_, i) => i),
    ...(strayByte !== undefined && { strayByte }),
  };
  return compareOutput(
    output,
    {
      values: Float64Array.from(elements, ({ expected }) => expected),
      error: Float64Array.from(elements, ({ error }) => error ?? 0),
      written: Uint8Array.from(elements, ({ meant }) => (meant === false ? 0 : 1)),
    },
    tolerance,
  );
}

const right: Element = { actual: 1, expected: 1 };
const passes = (dtype: Dtype, element: Element, tolerance = 1): boolean =>
  compared(dtype, [right, element], { tolerance }).failures.length === 0;

test('what the formula writes is counted, and what the reference is sure of', () => {
  const unsure: Element = { ...right, error: Infinity };
  const { written, sure } = compared('f32', [
    right,
    unsure,
    { ...right, error: 1e-9 },
    { ...right, meant: false },
  ]);
  expect([written, sure]).toEqual([3, 2]);
});

describe('an element is right', () => {
  test('where it is the reference, whatever that is', () => {
    for (const expected of [0, 1.5, -3, Infinity, -Infinity, NaN])
      expect(passes('f32', { actual: expected, expected })).toBe(true);
    expect(passes('f32', { actual: -0, expected: 0 })).toBe(true);
  });

  test('where f32 arithmetic may have made it of the formula, and it is one unit of the last place away', () => {
    const unit = 2 ** -7;
    expect(passes('bf16', { actual: 1 + unit, expected: 1, error: unit })).toBe(true);
    expect(passes('bf16', { actual: 1 + unit, expected: 1 })).toBe(false);
    expect(passes('bf16', { actual: 1 + 2 * unit, expected: 1, error: 2 * unit })).toBe(false);
    expect(passes('bf16', { actual: 1 + 2 * unit, expected: 1, error: 2 * unit }, 2)).toBe(true);
    expect(passes('e4m3', { actual: 1.125, expected: 1, error: 0.125 })).toBe(true);
    expect(passes('e5m2', { actual: 1.25, expected: 1, error: 0.25 })).toBe(true);
    expect(passes('f16', { actual: 1 + 2 ** -10, expected: 1, error: 2 ** -10 })).toBe(true);
  });

  test('where nobody can say what it should be', () => {
    expect(passes('f32', { actual: 7, expected: 1, error: Infinity })).toBe(true);
  });

  test('never where one is a number or finite and the other is not', () => {
    const wrong: readonly (readonly [number, number])[] = [
      [NaN, 1],
      [1, NaN],
      [Infinity, 1],
      [1, Infinity],
      [Infinity, -Infinity],
      [Infinity, NaN],
    ];
    for (const [actual, expected] of wrong)
      expect(passes('f32', { actual, expected, error: 1e9 }, 1e9)).toBe(false);
  });

  test('for integers where it is the very number', () => {
    expect(passes('i32', { actual: 7, expected: 7 })).toBe(true);
    expect(passes('i32', { actual: 8, expected: 7 })).toBe(false);
  });
});

test('the first wrong element of a tensor is named, with how many there are', () => {
  const { failures } = compared('f32', [
    right,
    right,
    right,
    { actual: 2, expected: 1 },
    { actual: 0, expected: 1 },
    right,
  ]);
  expect(failures).toEqual([
    {
      kind: 'value',
      tensor: 'out',
      index: [1, 1],
      actual: 2,
      expected: 1,
      ulp: 2 ** 23,
      wrong: 2,
      elements: 6,
    },
  ]);
  expect(formatFailure(failures[0]!)).toMatch(
    /^out\[1, 1\] is 2 and should be 1, 8\.39e\+6 units of the last place apart; 2 of 6 elements of out are wrong$/,
  );
});

test('the largest distance of elements that pass is kept', () => {
  const away = { actual: 1 + 2 ** -7, expected: 1, error: 2 ** -7 };
  expect(compared('bf16', [right, away]).worstUlp).toBe(1);
  expect(compared('bf16', [right, right]).worstUlp).toBe(0);
});

describe('what is written', () => {
  test('an output that is not, though the formula says so', () => {
    const { failures } = compared('f32', [right, { ...right, written: false }]);
    expect(failures).toEqual([{ kind: 'unwritten', tensor: 'out', index: [0, 1] }]);
    expect(formatFailure(failures[0]!)).toBe('out[0, 1] is never written');
  });

  test('an element that is to be left alone', () => {
    const left = { actual: 3, expected: 4, meant: false };
    expect(compared('f32', [right, { ...left, written: false }]).failures).toEqual([]);
    const { failures } = compared('f32', [right, left], { access: 'inout' });
    expect(failures).toEqual([{ kind: 'overwritten', tensor: 'out', index: [0, 1] }]);
    expect(formatFailure(failures[0]!)).toContain('out[0, 1] is written');
  });

  test('an element of an inout tensor may be written with what it held', () => {
    expect(compared('f32', [right, { ...right, written: false }], { access: 'inout' }).failures).toEqual([]);
  });

  test('a byte between rows', () => {
    const { failures } = compared('f32', [right, right], { strayByte: 12 });
    expect(failures).toEqual([{ kind: 'stray', tensor: 'out', byte: 12 }]);
    expect(formatFailure(failures[0]!)).toBe('byte 12 of out, between its rows, is written');
  });
});
