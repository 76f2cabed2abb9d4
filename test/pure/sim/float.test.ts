import { describe, expect, test } from '@jest/globals';
import { E2M1, E2M3, E3M2, E4M3, E5M2, F16, BF16, narrow, widen } from '../../../src/sim/float/formats.js';
import type { FloatFormat } from '../../../src/sim/float/formats.js';
import {
  addF32,
  divF32,
  fmaF32,
  fmaF32Directed,
  fmaF64,
  mulF32,
  rsqrtF32,
  sqrtF32,
} from '../../../src/sim/float/exact.js';
import { halfBinary, halfFma } from '../../../src/sim/float/half.js';
import { add, compare, exact, multiply, toF32Bits } from './exact.js';
import type { Mode } from './exact.js';
import { EDGES, bits, float, generator } from './harness.js';

const FORMATS: readonly FloatFormat[] = [F16, BF16, E4M3, E5M2, E2M1, E2M3, E3M2];
const finiteCodes = (format: FloatFormat): number[] =>
  Array.from({ length: format.max + 1 }, (_, code) => code);

describe('small float formats', () => {
  test.each(FORMATS.map((format) => [format.name, format] as const))(
    '%s: every pattern survives widening and narrowing, in order',
    (_name, format) => {
      const values = finiteCodes(format).map((code) => widen(code, format));
      for (const [code, value] of values.entries()) {
        expect(narrow(bits(value), format, 'rn', true)).toBe(code);
        if (code > 0) expect(value).toBeGreaterThan(values[code - 1]!);
      }
    },
  );

  test.each(FORMATS.map((format) => [format.name, format] as const))(
    '%s: between neighbours the nearer wins, a tie goes to the even one, and directed roundings keep their side',
    (_name, format) => {
      const sign = 1 << (format.bits - 1);
      const step = format.bits > 8 ? 7 : 1;
      for (let code = 0; code < format.max; code += step) {
        const [low, high] = [widen(code, format), widen(code + 1, format)];
        const middle = (low + high) / 2;
        if (Math.fround(middle) !== middle) continue; // too small for an f32 to hold
        const even = code % 2 === 0 ? code : code + 1;
        expect(narrow(bits(middle), format, 'rn', true)).toBe(even);
        expect(narrow(bits(-middle), format, 'rn', true)).toBe(even | sign);
        expect(narrow(bits(middle) + 1, format, 'rn', true)).toBe(code + 1);
        expect(narrow(bits(middle) - 1, format, 'rn', true)).toBe(code);
        expect(narrow(bits(middle), format, 'rna', true)).toBe(code + 1);
        expect(narrow(bits(middle), format, 'rz', true)).toBe(code);
        expect(narrow(bits(-middle), format, 'rm', true)).toBe((code + 1) | sign);
        expect(narrow(bits(middle), format, 'rp', true)).toBe(code + 1);
      }
    },
  );

  test('overflow, infinities and NaN', () => {
    expect(narrow(bits(65519), F16, 'rn', false)).toBe(0x7bff);
    expect(narrow(bits(65520), F16, 'rn', false)).toBe(0x7c00);
    expect(narrow(bits(65520), F16, 'rn', true)).toBe(0x7bff);
    expect(narrow(bits(-65520), F16, 'rp', false)).toBe(0xfbff);
    expect(narrow(bits(1e9), E4M3, 'rn', true)).toBe(0x7e);
    expect(narrow(bits(-Infinity), E4M3, 'rn', true)).toBe(0xfe);
    expect(narrow(bits(NaN), E4M3, 'rn', true)).toBe(0x7f);
    expect(narrow(bits(NaN), F16, 'rn', false)).toBe(0x7fff);
    expect(narrow(bits(Infinity), BF16, 'rn', false)).toBe(0x7f80);
    expect(widen(0x7c00, F16)).toBe(Infinity);
    expect(widen(0x7f, E4M3)).toBeNaN();
    expect(widen(0x7c, E5M2)).toBe(Infinity);
    expect(widen(0x7e, E4M3)).toBe(448);
  });
});

/** Like `expect(actual).toBe(expected)`, cheap enough for tens of thousands of cases. */
function agree(actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`found ${actual.toString(16)}, expected ${expected.toString(16)}`);
}

function holds(condition: boolean): void {
  if (!condition) throw new Error('a result lies on the wrong side of the exact value');
}

/** Operand triples: edges, and words whose products and sums nearly cancel or tie. */
function triples(count: number, seed: number): [number, number, number][] {
  const next = generator(seed);
  const finite = EDGES.map(float).filter(Number.isFinite);
  const found: [number, number, number][] = [];
  for (const a of finite) for (const b of finite) for (const c of finite) found.push([a, b, c]);
  while (found.length < count) {
    const [a, b] = [float(next()), float(next())];
    const kind = next() & 3;
    const product = Math.fround(a * b);
    const c =
      kind === 0
        ? float(next())
        : kind === 1
          ? -product
          : kind === 2
            ? float(bits(product) ^ 0x0b800000)
            : Math.fround(product * 2 ** -24);
    if ([a, b, c].every(Number.isFinite)) found.push([a, b, c]);
  }
  return found;
}

const MODES: readonly Mode[] = ['rn', 'rz', 'rm', 'rp'];

describe('f32 arithmetic against integers', () => {
  test('fma is rounded once', () => {
    for (const [a, b, c] of triples(5_000, 1)) {
      const value = add(multiply(exact(a), exact(b)), exact(c));
      if (value.integer === 0n) continue;
      agree(bits(fmaF32(a, b, c)), toF32Bits(value, 'rn'));
    }
  });

  test('the product rounded before the sum would be wrong', () => {
    const [a, c] = [1 + 2 ** -23, -(1 + 2 ** -22)];
    expect(Math.fround(Math.fround(a * a) + c)).toBe(0);
    expect(fmaF32(a, a, c)).toBe(2 ** -46);
    // 1 + 2^-23 squared, plus 2^-60: only the tail decides the tie that the double loses.
    const tie = fmaF32(1 + 2 ** -12, 1 + 2 ** -12, 2 ** -60);
    expect(tie).toBe(Math.fround(1 + 2 ** -11 + 2 ** -23));
    expect(fmaF32(1 + 2 ** -12, 1 + 2 ** -12, -(2 ** -60))).toBe(Math.fround(1 + 2 ** -11));
  });

  test.each(MODES)('add, mul and fma round by %s', (mode) => {
    for (const [a, b, c] of triples(3_400, 2)) {
      const sum = add(exact(a), exact(c));
      if (sum.integer !== 0n) agree(bits(addF32(a, c, mode)), toF32Bits(sum, mode));
      const product = multiply(exact(a), exact(b));
      if (product.integer !== 0n && Math.abs(a * b) > 2 ** -160)
        agree(bits(mulF32(a, b, mode)), toF32Bits(product, mode));
      const fused = add(product, exact(c));
      if (fused.integer !== 0n) agree(bits(fmaF32Directed(a, b, c, mode)), toF32Bits(fused, mode));
    }
  });

  test.each(MODES)('quotient and root lie on the right side by %s', (mode) => {
    const next = generator(3);
    for (let n = 0; n < 3_000; n++) {
      const [a, b] = [float((next() & 0x3fffffff) | 0x10000000), float((next() & 0x3fffffff) | 0x10000000)];
      const q = divF32(a, b, mode);
      if (Number.isFinite(q) && q > 2 ** -120)
        checkSide(q, (x) => compare(multiply(exact(x), exact(b)), exact(a)), mode);
      checkSide(sqrtF32(a, mode), (x) => compare(multiply(exact(x), exact(x)), exact(a)), mode);
    }
  });

  test('1 / sqrt(x) is correctly rounded', () => {
    const next = generator(4);
    for (let n = 0; n < 3_000; n++) {
      const x = float((next() & 0x7fffffff) % 0x7f800000);
      if (x === 0) continue;
      const side = (y: number): number => compare(multiply(multiply(exact(y), exact(y)), exact(x)), exact(1));
      checkSide(rsqrtF32(x), side, 'rn');
    }
    expect(rsqrtF32(0)).toBe(Infinity);
    expect(rsqrtF32(-1)).toBeNaN();
  });

  test('fma of doubles is rounded once', () => {
    expect(fmaF64(1 + 2 ** -52, 1 + 2 ** -52, -1)).toBe(2 ** -51 + 2 ** -104);
    expect(fmaF64(1 + 2 ** -27, 1 + 2 ** -27, -(1 + 2 ** -26))).toBe(2 ** -54);
    expect(fmaF64(0.1, 10, -1)).toBe(2 ** -54);
    expect(fmaF64(Infinity, 1, 1)).toBe(Infinity);
  });
});

/** A positive result x: `side(y)` is the sign of f(y) - target for an increasing f. */
function checkSide(x: number, side: (y: number) => number, mode: Mode): void {
  const [below, above] = [float(bits(x) - 1), float(bits(x) + 1)];
  if (mode === 'rn') {
    holds(side((below + x) / 2) <= 0);
    holds(side((above + x) / 2) >= 0);
  } else if (mode === 'rp') {
    holds(side(x) >= 0);
    holds(side(below) < 0);
  } else {
    holds(side(x) <= 0);
    holds(side(above) > 0);
  }
}

describe('half arithmetic', () => {
  /** The pattern nearest to an exact value, by trying all. */
  function nearest(value: ReturnType<typeof exact>, format: FloatFormat): number {
    const negative = value.integer < 0n;
    const magnitude = { integer: negative ? -value.integer : value.integer, exponent: value.exponent };
    let [low, high] = [0, format.max + 1];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (compare(exact(widen(middle, format)), magnitude) <= 0) low = middle;
      else high = middle;
    }
    const above =
      low === format.max ? 2 * widen(low, format) - widen(low - 1, format) : widen(low + 1, format);
    const twice = { integer: magnitude.integer * 2n, exponent: magnitude.exponent };
    const side = compare(twice, add(exact(widen(low, format)), exact(above)));
    const code = side > 0 || (side === 0 && low % 2 === 1) ? low + 1 : low;
    return negative ? code | (1 << (format.bits - 1)) : code;
  }

  test.each([
    ['f16', F16],
    ['bf16', BF16],
  ] as const)('%s: add, mul and fma are rounded once', (_name, format) => {
    const next = generator(5);
    for (let n = 0; n < 4_000; n++) {
      const codes = [next() & 0xffff, next() & 0xffff, next() & 0xffff] as const;
      const [x, y, z] = codes.map((code) => widen(code, format)) as [number, number, number];
      if (![x, y, z].every(Number.isFinite)) continue;
      const sum = add(exact(x), exact(y));
      if (sum.integer !== 0n) agree(halfBinary('add', format, codes[0], codes[1]), nearest(sum, format));
      const product = multiply(exact(x), exact(y));
      if (product.integer !== 0n)
        agree(halfBinary('mul', format, codes[0], codes[1]), nearest(product, format));
      const fused = add(product, exact(z));
      if (fused.integer !== 0n) agree(halfFma(format, false, ...codes), nearest(fused, format));
    }
  });
});
