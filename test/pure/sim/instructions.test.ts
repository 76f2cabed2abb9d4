import { describe, expect, test } from '@jest/globals';
import { BF16, E4M3, E5M2, F16, narrow, widen } from '../../../src/sim/index.js';
import type { FloatFormat } from '../../../src/sim/index.js';
import { add, exact, multiply, toF32Bits } from './exact.js';
import type { Mode } from './exact.js';
import { EDGES, apply, bits, float, generator, kernelText, runKernel } from './harness.js';

const INTS = [0, 1, -1, 2, 31, 32, 33, 255, -256, 65535, 0x7fffffff, -0x80000000, 0x12345678, -0x6789abcd];
const pairs = INTS.flatMap((a) => INTS.map((b) => [a, b] as const));
const u = (x: number): bigint => BigInt(x >>> 0);
const s = (x: number): bigint => BigInt(x | 0);
const low = (x: bigint): number => Number(BigInt.asIntN(32, x));

/** An instruction on two words against integers. */
const BINARY: readonly (readonly [string, (a: number, b: number) => number])[] = [
  ['add.s32', (a, b) => low(s(a) + s(b))],
  ['sub.s32', (a, b) => low(s(a) - s(b))],
  ['mul.lo.s32', (a, b) => low(s(a) * s(b))],
  ['mul.hi.s32', (a, b) => low((s(a) * s(b)) >> 32n)],
  ['mul.hi.u32', (a, b) => low((u(a) * u(b)) >> 32n)],
  ['min.s32', (a, b) => Math.min(a, b)],
  ['max.u32', (a, b) => low(u(a) > u(b) ? u(a) : u(b))],
  ['and.b32', (a, b) => low(u(a) & u(b))],
  ['or.b32', (a, b) => low(u(a) | u(b))],
  ['xor.b32', (a, b) => low(u(a) ^ u(b))],
  ['shl.b32', (a, b) => (u(b) > 31n ? 0 : low(u(a) << u(b)))],
  ['shr.u32', (a, b) => (u(b) > 31n ? 0 : low(u(a) >> u(b)))],
  ['shr.s32', (a, b) => low(s(a) >> (u(b) > 31n ? 31n : u(b)))],
  ['div.u32', (a, b) => (b === 0 ? -1 : low(u(a) / u(b)))],
  ['rem.s32', (a, b) => (b === 0 ? a : low(s(a) % s(b)))],
  ['div.s32', (a, b) => (b === 0 ? -1 : low(s(a) / s(b)))],
  ['add.sat.s32', (a, b) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, a + b))],
];

describe('integer instructions', () => {
  test.each(BINARY)('%s', (name, reference) => {
    const found = apply(`${name} %r1, %r10, %r11;`, pairs);
    expect(found).toEqual(pairs.map(([a, b]) => reference(a, b)));
  });

  const WIDE: readonly (readonly [string, (a: bigint, b: bigint) => bigint])[] = [
    ['add.s64', (a, b) => a + b],
    ['sub.s64', (a, b) => a - b],
    ['mul.lo.s64', (a, b) => a * b],
    ['min.s64', (a, b) => (a < b ? a : b)],
    ['max.u64', (a, b) => (BigInt.asUintN(64, a) > BigInt.asUintN(64, b) ? a : b)],
    ['xor.b64', (a, b) => a ^ b],
    ['div.s64', (a, b) => (b === 0n ? -1n : a / b)],
    ['mul.hi.u64', (a, b) => (BigInt.asUintN(64, a) * BigInt.asUintN(64, b)) >> 64n],
  ];
  test.each(WIDE)('%s, both halves', (name, reference) => {
    const rows = pairs.map(([a, b], n) => [a, b, pairs[(n * 7) % pairs.length]![0], b ^ n]);
    const expected = rows.map(([a, b, c, d]) => {
      const left = BigInt.asIntN(64, u(a!) | (u(b!) << 32n));
      const right = BigInt.asIntN(64, u(c!) | (u(d!) << 32n));
      return BigInt.asIntN(64, reference(left, right));
    });
    for (const [half, shift] of [
      ['%r1, %r2', 0n],
      ['%r2, %r1', 32n],
    ] as const) {
      const body = `mov.b64 %rd5, {%r10, %r11}; mov.b64 %rd6, {%r12, %r13}; ${name} %rd7, %rd5, %rd6; mov.b64 {${half}}, %rd7;`;
      expect(apply(body, rows)).toEqual(expected.map((value) => low(value >> shift)));
    }
  });

  test('64-bit shifts', () => {
    const rows = INTS.flatMap((a) =>
      [0, 1, 31, 32, 33, 63, 64, 200].map((n) => [a, ~a ^ 0x1357, n] as const),
    );
    const value = ([a, b]: readonly number[]): bigint => u(a!) | (u(b!) << 32n);
    const run = (name: string, half: string): number[] =>
      apply(`mov.b64 %rd5, {%r10, %r11}; ${name} %rd7, %rd5, %r12; mov.b64 {${half}}, %rd7;`, rows);
    const expected = (f: (v: bigint, n: bigint) => bigint): bigint[] =>
      rows.map((row) => BigInt.asUintN(64, f(value(row), u(row[2]))));
    const left = expected((v, n) => v << n);
    expect(run('shl.b64', '%r1, %r2')).toEqual(left.map(low));
    expect(run('shl.b64', '%r2, %r1')).toEqual(left.map((v) => low(v >> 32n)));
    const right = expected((v, n) => BigInt.asIntN(64, v) >> n);
    expect(run('shr.s64', '%r1, %r2')).toEqual(right.map(low));
    expect(run('shr.s64', '%r2, %r1')).toEqual(right.map((v) => low(v >> 32n)));
    expect(run('shr.u64', '%r2, %r1')).toEqual(expected((v, n) => v >> n).map((v) => low(v >> 32n)));
  });

  test('mul.wide, mad.wide, mad.lo', () => {
    const check = (body: string, reference: (a: number, b: number, c: number) => bigint): void => {
      const rows = pairs.map(([a, b], n) => [a, b, n * 77_777]);
      for (const [half, shift] of [
        ['%r1, %r2', 0n],
        ['%r2, %r1', 32n],
      ] as const)
        expect(apply(`${body} mov.b64 {${half}}, %rd7;`, rows)).toEqual(
          rows.map(([a, b, c]) => low(reference(a!, b!, c!) >> shift)),
        );
    };
    check('mul.wide.s32 %rd7, %r10, %r11;', (a, b) => s(a) * s(b));
    check('mul.wide.u32 %rd7, %r10, %r11;', (a, b) => u(a) * u(b));
    check('cvt.s64.s32 %rd6, %r12; mad.wide.s32 %rd7, %r10, %r11, %rd6;', (a, b, c) => s(a) * s(b) + s(c));
    expect(apply('mad.lo.s32 %r1, %r10, %r11, %r12;', [[3, 5, 7]])).toEqual([22]);
    expect(
      apply(
        'mul.wide.s16 %r1, %rs1, %rs2;'.replace(/^/, 'cvt.u16.u32 %rs1, %r10; cvt.u16.u32 %rs2, %r11; '),
        [[-3, 1000]],
      ),
    ).toEqual([-3000]);
  });

  test('carries chain words', () => {
    const rows = pairs.map(([a, b], n) => [a, b, pairs[(n * 5) % pairs.length]![1], b ^ (n * 3)]);
    const wide = (lo: number, hi: number): bigint => u(lo) | (u(hi) << 32n);
    const run = (body: string): number[] => apply(body, rows);
    expect(run('add.cc.u32 %r4, %r10, %r12; addc.u32 %r1, %r11, %r13;')).toEqual(
      rows.map(([a, b, c, d]) => low((wide(a!, b!) + wide(c!, d!)) >> 32n)),
    );
    expect(run('sub.cc.u32 %r4, %r10, %r12; subc.u32 %r1, %r11, %r13;')).toEqual(
      rows.map(([a, b, c, d]) => low((wide(a!, b!) - wide(c!, d!)) >> 32n)),
    );
    expect(
      run('mad.lo.cc.u32 %r4, %r10, %r11, %r12; madc.hi.cc.u32 %r5, %r10, %r11, %r13; addc.u32 %r1, %r5, 0;'),
    ).toEqual(
      rows.map(([a, b, c, d]) => {
        const sum = u(a!) * u(b!) + wide(c!, d!);
        return low((sum >> 32n) + (sum >> 64n));
      }),
    );
  });

  test('comparisons, selection and predicates', () => {
    const cases: readonly (readonly [string, (a: number, b: number) => boolean])[] = [
      ['lt.s32', (a, b) => a < b],
      ['lt.u32', (a, b) => u(a) < u(b)],
      ['ge.u32', (a, b) => u(a) >= u(b)],
      ['hi.u32', (a, b) => u(a) > u(b)],
      ['eq.b32', (a, b) => a === b],
      ['ne.s32', (a, b) => a !== b],
    ];
    for (const [name, reference] of cases)
      expect(apply(`setp.${name} %p1, %r10, %r11; selp.b32 %r1, 1, 0, %p1;`, pairs)).toEqual(
        pairs.map(([a, b]) => (reference(a, b) ? 1 : 0)),
      );
    const body =
      'setp.lt.s32 %p3, %r10, 0; setp.lt.and.s32 %p1|%p2, %r10, %r11, %p3; selp.b32 %r20, 1, 0, %p1; selp.b32 %r21, 2, 0, %p2; or.b32 %r1, %r20, %r21;';
    expect(apply(body, pairs)).toEqual(pairs.map(([a, b]) => (a < 0 ? (a < b ? 1 : 2) : 0)));
    expect(
      apply(
        'setp.lt.s64 %p1, %rd5, %rd6; selp.b32 %r1, 1, 0, %p1;'.replace(
          /^/,
          'mov.b64 %rd5, {%r10, %r11}; mov.b64 %rd6, {%r11, %r10}; ',
        ),
        pairs,
      ),
    ).toEqual(
      pairs.map(([a, b]) =>
        BigInt.asIntN(64, u(a) | (u(b) << 32n)) < BigInt.asIntN(64, u(b) | (u(a) << 32n)) ? 1 : 0,
      ),
    );
  });

  test('prmt, lop3, shf, bfe, bfi, popc, clz, brev, bfind, dp4a', () => {
    expect(apply('prmt.b32 %r1, %r10, %r11, 0x7054;', [[0x33221100, 0x77665544]])).toEqual([0x77005544]);
    expect(apply('prmt.b32 %r1, %r10, 0, 0x8888;', [[0x80], [0x7f]])).toEqual([-1, 0]);
    expect(apply('lop3.b32 %r1, %r10, %r11, %r12, 0x96;', [[0x0f, 0x33, 0x55]])).toEqual([
      0x0f ^ 0x33 ^ 0x55,
    ]);
    expect(apply('shf.l.wrap.b32 %r1, %r10, %r11, 8;', [[0x11223344, 0x55667788]])).toEqual([0x66778811]);
    expect(apply('shf.r.clamp.b32 %r1, %r10, %r11, 40;', [[1, 0x55667788]])).toEqual([0x55667788]);
    expect(apply('bfe.u32 %r1, %r10, 8, 12;', [[0x12345678]])).toEqual([0x456]);
    expect(apply('bfe.s32 %r1, %r10, 4, 4;', [[0xf0], [0x70]])).toEqual([-1, 7]);
    expect(apply('bfi.b32 %r1, %r10, %r11, 8, 8;', [[0xab, 0x11223344]])).toEqual([0x1122ab44]);
    expect(apply('popc.b32 %r1, %r10;', [[-1], [0x80000001 | 0]])).toEqual([32, 2]);
    expect(apply('clz.b32 %r1, %r10;', [[0], [1], [-1]])).toEqual([32, 31, 0]);
    expect(apply('brev.b32 %r1, %r10;', [[1], [0x12345678]])).toEqual([-0x80000000, 0x1e6a2c48]);
    expect(apply('bfind.u32 %r1, %r10;', [[0], [0x80]])).toEqual([-1, 7]);
    expect(apply('dp4a.s32.s32 %r1, %r10, %r11, %r12;', [[0x01ff0203, 0x05060708, 100]])).toEqual([
      100 + 3 * 8 + 2 * 7 - 6 + 5,
    ]);
  });

  test('widths: 8- and 16-bit loads and conversions keep or drop the sign', () => {
    expect(apply('cvt.s32.s8 %r1, %r10;', [[0x80], [0x17f]])).toEqual([-128, 127]);
    expect(apply('cvt.u32.u8 %r1, %r10;', [[-1]])).toEqual([255]);
    expect(apply('cvt.sat.s8.s32 %r2, %r10; cvt.s32.s8 %r1, %r2;', [[300], [-300], [5]])).toEqual([
      127, -128, 5,
    ]);
    expect(apply('cvt.sat.u8.s32 %r1, %r10;', [[300], [-300], [5]])).toEqual([255, 0, 5]);
    expect(apply('ld.global.s8 %rs1, [%rd11]; cvt.s32.s16 %r1, %rs1;', [[0x80], [0x7f]])).toEqual([
      -128, 127,
    ]);
    expect(apply('ld.global.u16 %r1, [%rd11+2];', [[-1], [0x00050000]])).toEqual([65535, 5]);
    expect(apply('ld.global.s16 %r1, [%rd11];', [[0x8000]])).toEqual([-32768]);
  });
});

describe('float instructions', () => {
  const next = generator(11);
  const rows = Array.from(
    { length: 2000 },
    (_, n) =>
      [
        n < 256 ? EDGES[n % 16]! : next(),
        n < 256 ? EDGES[n >> 4]! : next(),
        n % 3 === 0 ? next() : EDGES[n % 16]!,
      ] as const,
  );
  const number = (word: number): boolean => Number.isFinite(float(word));

  test.each(['rn', 'rz', 'rm', 'rp'] as const)('add, mul and fma.%s against integers', (mode: Mode) => {
    const found = {
      add: apply(`add.${mode}.f32 %r1, %r10, %r11;`, rows),
      mul: apply(`mul.${mode}.f32 %r1, %r10, %r11;`, rows),
      fma: apply(`fma.${mode}.f32 %r1, %r10, %r11, %r12;`, rows),
    };
    const wrong: string[] = [];
    rows.forEach(([a, b, c], n) => {
      if (![a, b, c].every(number)) return;
      const [x, y, z] = [exact(float(a)), exact(float(b)), exact(float(c))];
      const product = multiply(x, y);
      for (const [name, value] of [
        ['add', add(x, y)],
        ['mul', product],
        ['fma', add(product, z)],
      ] as const)
        if (value.integer !== 0n && found[name][n] !== toF32Bits(value, mode))
          wrong.push(`${name} of row ${n}`);
    });
    expect(wrong).toEqual([]);
  });

  test('NaN results have the canonical bits, moved NaNs keep theirs', () => {
    expect(
      apply('add.f32 %r1, %r10, %r11;', [
        [0x7f800000, -0x00800000],
        [0x7f800001, 0],
      ]),
    ).toEqual([0x7fffffff, 0x7fffffff]);
    expect(apply('mov.b32 %r1, %r10; add.f32 %r2, %r10, 0f3F800000;', [[0x7f800001]])).toEqual([0x7f800001]);
    expect(
      apply('add.f32 %r2, %r10, 0f00000000; setp.eq.s32 %p1, %r11, 0; selp.b32 %r1, %r2, %r10, %p1;', [
        [0x7f800001, 1],
        [0x7f800001, 0],
      ]),
    ).toEqual([0x7f800001, 0x7fffffff]);
  });

  test('min, max, ftz, sat, abs, neg, copysign', () => {
    const run = (name: string, list: number[][]): number[] =>
      apply(
        `${name};`,
        list.map((row) => row.map(bits)),
      ).map(float);
    expect(
      run('min.f32 %r1, %r10, %r11', [
        [1, NaN],
        [NaN, 2],
        [-0, 0],
        [3, -4],
      ]),
    ).toEqual([1, 2, -0, -4]);
    expect(
      run('max.NaN.f32 %r1, %r10, %r11', [
        [1, NaN],
        [0, -0],
      ]),
    ).toEqual([NaN, 0]);
    expect(
      run('max.f32 %r1, %r10, %r11, %r12', [
        [1, 5, 3],
        [NaN, -1, -2],
      ]),
    ).toEqual([5, -1]);
    expect(
      run('add.ftz.f32 %r1, %r10, %r11', [
        [2 ** -140, 1],
        [2 ** -126, -(2 ** -127)],
        [-(2 ** -140), -0],
      ]),
    ).toEqual([1, 2 ** -126, -0]);
    expect(run('mul.ftz.f32 %r1, %r10, %r11', [[2 ** -70, 2 ** -70]])).toEqual([0]);
    expect(
      run('add.sat.f32 %r1, %r10, %r11', [
        [1, 1],
        [-3, 1],
        [NaN, 1],
        [0.25, 0.25],
      ]),
    ).toEqual([1, 0, 0, 0.5]);
    expect(run('abs.f32 %r1, %r10', [[-2]])).toEqual([2]);
    expect(run('neg.f32 %r1, %r10', [[0]])).toEqual([-0]);
    expect(
      run('copysign.f32 %r1, %r10, %r11', [
        [-1, 5],
        [0, -7],
      ]),
    ).toEqual([-5, 7]);
  });

  test('approximations are within a unit of the last place of the true value', () => {
    const cases: readonly (readonly [string, (x: number) => number, readonly number[]])[] = [
      ['rcp.approx.f32', (x) => 1 / x, [1, 3, -7, 1e-30, 0, Infinity]],
      ['rsqrt.approx.ftz.f32', (x) => 1 / Math.sqrt(x), [1, 2, 3e10, 1e-30, 0]],
      ['sqrt.rn.f32', Math.sqrt, [2, 3, 1e-40, 4]],
      ['ex2.approx.ftz.f32', (x) => 2 ** x, [0, 1, -1.5, 100.25, -125.5, 200, -Infinity]],
      ['lg2.approx.f32', Math.log2, [1, 2, 3, 1e-20]],
      ['sin.approx.f32', Math.sin, [0, 1, -2]],
      ['cos.approx.f32', Math.cos, [0, 1, -2]],
      ['tanh.approx.f32', Math.tanh, [0, 0.5, -20]],
    ];
    for (const [name, reference, inputs] of cases) {
      const found = apply(
        `${name} %r1, %r10;`,
        inputs.map((x) => [bits(x)]),
      ).map(float);
      inputs.forEach((x, n) => {
        const expected = Math.fround(reference(Math.fround(x)));
        expect(Math.abs(bits(found[n]!) - bits(expected))).toBeLessThanOrEqual(1);
      });
    }
  });

  test('f32x2 and mixed precision', () => {
    const body =
      'mov.b64 %rd5, {%r10, %r11}; mov.b64 %rd6, {%r12, %r13}; fma.rn.f32x2 %rd7, %rd5, %rd6, %rd5; add.rn.f32x2 %rd7, %rd7, %rd6;';
    const row = [1.5, -2, 0.25, 8];
    expect(apply(`${body} mov.b64 {%r1, %r2}, %rd7;`, [row.map(bits)]).map(float)).toEqual([
      1.5 * 0.25 + 1.5 + 0.25,
    ]);
    expect(apply(`${body} mov.b64 {%r2, %r1}, %rd7;`, [row.map(bits)]).map(float)).toEqual([-16 - 2 + 8]);
    const mixed = 'mov.b32 {%rs1, %rs2}, %r10; fma.rn.f32.bf16 %r1, %rs1, %rs2, %r11;';
    expect(apply(mixed, [[0x40004040, bits(0.5)]]).map(float)).toEqual([6.5]);
    expect(
      apply('mov.b32 {%rs1, %rs2}, %r10; add.rn.f32.f16 %r1, %rs1, %r11;', [[0x3c00, bits(0.5)]]).map(float),
    ).toEqual([1.5]);
  });

  test('doubles', () => {
    const body =
      'cvt.f64.f32 %rd5, %r10; cvt.f64.f32 %rd6, %r11; fma.rn.f64 %rd7, %rd5, %rd6, %rd5; div.rn.f64 %rd7, %rd7, %rd6; cvt.rn.f32.f64 %r1, %rd7;';
    expect(apply(body, [[bits(3), bits(7)]]).map(float)).toEqual([Math.fround((3 * 7 + 3) / 7)]);
  });
});

describe('conversions, over all inputs', () => {
  const all16 = Array.from({ length: 65536 }, (_, code) => [code]);

  test.each([
    ['f16', F16],
    ['bf16', BF16],
  ] as const)('cvt.f32.%s', (name, format) => {
    const found = apply(`cvt.u16.u32 %rs1, %r10; cvt.f32.${name} %r1, %rs1;`, all16);
    const wrong = found.filter((word, code) => {
      const value = widen(code, format);
      return Number.isNaN(value) ? !Number.isNaN(float(word)) : word !== bits(value);
    });
    expect(wrong).toEqual([]);
  });

  test.each([
    ['e4m3', E4M3],
    ['e5m2', E5M2],
  ] as const)('cvt.rn.f16x2.%sx2', (name, format) => {
    const found = apply(`cvt.u16.u32 %rs1, %r10; cvt.rn.f16x2.${name}x2 %r1, %rs1;`, all16);
    const half = (code: number): number => narrow(bits(widen(code, format)), F16, 'rn', false);
    expect(found).toEqual(all16.map(([pair]) => (half(pair! >> 8) << 16) | half(pair! & 255)));
  });

  /** For each f16: the code whose value is nearest, by trying every code of the format. */
  function nearestCode(value: number, format: FloatFormat): number {
    const magnitude = Math.abs(value);
    let best = magnitude === Infinity ? format.max : 0;
    for (let code = 1; code <= format.max && magnitude < Infinity; code++) {
      const [old, now] = [
        Math.abs(widen(best, format) - magnitude),
        Math.abs(widen(code, format) - magnitude),
      ];
      if (now < old || (now === old && code % 2 === 0)) best = code;
    }
    return best | (value < 0 || Object.is(value, -0) ? 0x80 : 0);
  }

  test.each([
    ['e4m3', E4M3],
    ['e5m2', E5M2],
  ] as const)('cvt.rn.satfinite.%sx2.f16x2 and from f32', (name, format) => {
    const expected = all16.map(([code]) => {
      const value = widen(code!, F16);
      return Number.isNaN(value) ? 0x7f : nearestCode(value, format);
    });
    const fromHalf = apply(`cvt.rn.satfinite.${name}x2.f16x2 %rs1, %r10; cvt.u32.u16 %r1, %rs1;`, all16);
    expect(fromHalf.map((pair) => pair & 255)).toEqual(expected);
    const fromWord = apply(
      `cvt.u16.u32 %rs1, %r10; cvt.f32.f16 %r2, %rs1; cvt.rn.satfinite.${name}x2.f32 %rs2, %r2, 0f3F800000; cvt.u32.u16 %r1, %rs2;`,
      all16,
    );
    const one = narrow(bits(1), format, 'rn', true);
    expect(fromWord).toEqual(expected.map((code) => (code << 8) | one));
  });

  test('f32 to f16 and bf16, packed, in every rounding', () => {
    const next = generator(12);
    const rows = Array.from({ length: 4000 }, (_, n) => [
      n < 256 ? EDGES[n % 16]! : next(),
      n < 256 ? EDGES[n >> 4]! : next(),
    ]);
    for (const [name, format] of [
      ['f16', F16],
      ['bf16', BF16],
    ] as const) {
      for (const mode of ['rn', 'rz'] as const) {
        const found = apply(`cvt.${mode}.${name}x2.f32 %r1, %r10, %r11;`, rows);
        const to = (word: number): number =>
          narrow(Number.isNaN(float(word)) ? 0x7fffffff : word, format, mode, false);
        expect(found).toEqual(rows.map(([a, b]) => (to(a!) << 16) | to(b!)));
      }
      const relu = apply(`cvt.rn.relu.${name}.f32 %rs1, %r10; cvt.u32.u16 %r1, %rs1;`, [
        [bits(-2)],
        [bits(2)],
        [bits(NaN)],
      ]);
      expect(relu).toEqual([0, narrow(bits(2), format, 'rn', false), 0x7fff]);
    }
  });

  test('to and from integers, rounded and clamped', () => {
    const floats = [0.5, 1.5, 2.5, -0.5, -1.5, 3e9, -3e9, NaN, Infinity, 7.99];
    const rows = floats.map((x) => [bits(x)]);
    expect(apply('cvt.rni.s32.f32 %r1, %r10;', rows)).toEqual([
      0, 2, 2, 0, -2, 0x7fffffff, -0x80000000, 0, 0x7fffffff, 8,
    ]);
    expect(apply('cvt.rzi.u32.f32 %r1, %r10;', rows)).toEqual([
      0,
      1,
      2,
      0,
      0,
      low(3_000_000_000n),
      0,
      0,
      -1,
      7,
    ]);
    expect(apply('cvt.rmi.s32.f32 %r1, %r10;', rows).slice(0, 5)).toEqual([0, 1, 2, -1, -2]);
    expect(apply('cvt.rpi.s32.f32 %r1, %r10;', rows).slice(0, 5)).toEqual([1, 2, 3, 0, -1]);
    expect(apply('cvt.rzi.s16.f32 %rs1, %r10; cvt.s32.s16 %r1, %rs1;', [[bits(1e6)], [bits(-12.7)]])).toEqual(
      [32767, -12],
    );
    expect(apply('cvt.rni.f32.f32 %r1, %r10;', rows.slice(0, 5)).map(float)).toEqual([0, 2, 2, -0, -2]);
    expect(apply('cvt.rn.f32.s32 %r1, %r10;', [[16777217], [-5], [0x7fffffff]]).map(float)).toEqual([
      16777216, -5, 2147483648,
    ]);
    expect(apply('cvt.rp.f32.u32 %r1, %r10;', [[16777217], [-1]]).map(float)).toEqual([16777218, 4294967296]);
    const wide = 'mov.b64 %rd5, {%r10, %r11}; cvt.rn.f32.s64 %r1, %rd5;';
    expect(
      apply(wide, [
        [1, 1 << 24],
        [-1, -1],
      ]).map(float),
    ).toEqual([2 ** 56, -1]);
    // 2^56 + 2^32 + 1: a tie but for the last bit, which a double would lose.
    expect(apply(wide, [[1, (1 << 24) + 1]]).map(float)).toEqual([Number((1n << 56n) + (1n << 33n))]);
    expect(
      apply('cvt.rzi.s64.f32 %rd5, %r10; mov.b64 {%r2, %r1}, %rd5;', [[bits(-(2 ** 40))], [bits(1e30)]]),
    ).toEqual([-256, 0x7fffffff]);
  });

  test('half arithmetic: packed lanes do not touch each other', () => {
    expect(apply('add.f16x2 %r1, %r10, %r11;', [[0x3c004000, 0x40003c00]])).toEqual([0x42004200]);
    expect(apply('fma.rn.bf16x2 %r1, %r10, %r11, %r12;', [[0x40003f80, 0x40403f80, 0x3f803f80]])).toEqual([
      0x40e04000,
    ]);
    expect(apply('max.bf16x2 %r1, %r10, %r11;', [[0x7fc0bf80, 0x3f803f80]])).toEqual([0x3f803f80]);
    expect(apply('neg.bf16x2 %r1, %r10;', [[0x3f800000]])).toEqual([0xbf808000 | 0]);
    expect(
      apply('cvt.u16.u32 %rs1, %r10; mul.f16 %rs2, %rs1, %rs1; cvt.u32.u16 %r1, %rs2;', [[0x4200]]),
    ).toEqual([0x4880]);
    expect(apply('tanh.approx.bf16x2 %r1, %r10;', [[0x00003f80]])).toEqual([0x00003f43]);
    expect(apply('ex2.approx.f16x2 %r1, %r10;', [[0x40003c00]])).toEqual([0x44004000]);
  });
});

describe('warp instructions', () => {
  /** Runs 64 lanes, each with its number in %r0, result from %r1. */
  function lanes(body: string): number[] {
    const text = kernelText(
      `${body} mul.wide.u32 %rd10, %r0, 4; add.s64 %rd11, %rd1, %rd10; st.global.b32 [%rd11], %r1;`,
    );
    const { out, reports } = runKernel(text, new Int32Array(4), 64, { block: 64 });
    expect(reports).toEqual([]);
    return [...out].map((word) => word | 0);
  }
  const expected = (f: (lane: number, thread: number) => number): number[] =>
    Array.from({ length: 64 }, (_, t) => f(t & 31, t));

  test('shuffles', () => {
    expect(lanes('shfl.sync.bfly.b32 %r1, %r0, 16, 31, -1;')).toEqual(expected((_, t) => t ^ 16));
    expect(lanes('shfl.sync.down.b32 %r1, %r0, 3, 31, -1;')).toEqual(
      expected((l, t) => (l + 3 < 32 ? t + 3 : t)),
    );
    expect(lanes('shfl.sync.up.b32 %r1, %r0, 2, 0, -1;')).toEqual(expected((l, t) => (l >= 2 ? t - 2 : t)));
    expect(lanes('shfl.sync.idx.b32 %r1, %r0, 5, 31, -1;')).toEqual(expected((_, t) => (t & 32) + 5));
    // Segments of 8 lanes.
    expect(lanes('shfl.sync.idx.b32 %r1, %r0, 1, 0x181f, -1;')).toEqual(expected((_, t) => (t & ~7) + 1));
    const both = 'shfl.sync.down.b32 %r2|%p1, %r0, 30, 31, -1; selp.b32 %r1, 1, 0, %p1;';
    expect(lanes(both)).toEqual(expected((l) => (l < 2 ? 1 : 0)));
  });

  test('a shuffle in a loop reads what the others brought this time', () => {
    const body =
      'mov.u32 %r1, %r0; mov.u32 %r2, 0; L: shfl.sync.up.b32 %r3, %r1, 1, 0, -1; add.s32 %r1, %r1, %r3; add.s32 %r2, %r2, 1; setp.lt.s32 %p1, %r2, 3; @%p1 bra L;';
    const want = expected((_, t) => t);
    for (let round = 0; round < 3; round++) {
      const old = [...want];
      for (let t = 0; t < 64; t++) want[t] = old[t]! + old[(t & 31) > 0 ? t - 1 : t]!;
    }
    expect(lanes(body)).toEqual(want);
  });

  test('vote, match, redux, elect, activemask', () => {
    const odd = 'and.b32 %r2, %r0, 1; setp.ne.s32 %p1, %r2, 0;';
    expect(lanes(`${odd} vote.sync.ballot.b32 %r1, %p1, -1;`)).toEqual(expected(() => 0xaaaaaaaa | 0));
    expect(lanes(`${odd} vote.sync.any.pred %p2, %p1, -1; selp.b32 %r1, 1, 0, %p2;`)).toEqual(
      expected(() => 1),
    );
    expect(lanes(`${odd} vote.sync.all.pred %p2, %p1, -1; selp.b32 %r1, 1, 0, %p2;`)).toEqual(
      expected(() => 0),
    );
    expect(lanes('shr.u32 %r2, %r0, 3; match.any.sync.b32 %r1, %r2, -1;')).toEqual(
      expected((l) => 0xff << (l & 24)),
    );
    expect(lanes('redux.sync.add.s32 %r1, %r0, -1;')).toEqual(expected((_, t) => (t < 32 ? 496 : 1520)));
    expect(lanes('sub.s32 %r2, 5, %r0; redux.sync.min.s32 %r1, %r2, -1;')).toEqual(
      expected((_, t) => (t < 32 ? -26 : -58)),
    );
    expect(lanes('elect.sync %r2|%p1, -1; selp.b32 %r1, 1, 0, %p1;')).toEqual(
      expected((l) => (l === 0 ? 1 : 0)),
    );
    expect(lanes('activemask.b32 %r1;')).toEqual(expected(() => -1));
  });

  test('a barrier that reduces predicates', () => {
    expect(lanes('setp.lt.s32 %p1, %r0, 40; bar.red.popc.u32 %r1, 0, %p1;')).toEqual(expected(() => 40));
    expect(lanes('setp.lt.s32 %p1, %r0, 40; bar.red.and.pred %p2, 0, %p1; selp.b32 %r1, 1, 0, %p2;')).toEqual(
      expected(() => 0),
    );
  });
});
