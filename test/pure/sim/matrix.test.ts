import { describe, expect, test } from '@jest/globals';
import { BF16, E4M3, F16, narrow, widen } from '../../../src/sim/index.js';
import { bits, float, generator, kernelText, runKernel } from './harness.js';

const LANE_OUT = (registers: number): string =>
  `mul.wide.u32 %rd10, %r0, ${registers * 4}; add.s64 %rd11, %rd1, %rd10;`;

describe('ldmatrix and stmatrix', () => {
  // Matrix i of four, row r, column c has the 16-bit value 256 i + 8 r + c.
  const INPUT = new Uint16Array(256).map((_, n) => 256 * (n >> 6) + (n & 63));
  const words = new Int32Array(INPUT.buffer);
  const fill = `shl.b32 %r18, %r0, 4; mov.u32 %r19, smem; add.s32 %r20, %r19, %r18; cvt.u64.u32 %rd5, %r18; add.s64 %rd6, %rd0, %rd5;
ld.global.v4.b32 {%r1, %r2, %r3, %r4}, [%rd6]; st.shared.v4.b32 [%r20], {%r1, %r2, %r3, %r4}; bar.sync 0;`;
  const SHARED = '.shared .align 16 .b8 smem[1024];';

  function load(modifiers: string, registers: string[]): number[][] {
    const list = registers.join(', ');
    const store = registers.map((r, n) => `st.global.b32 [%rd11+${4 * n}], ${r};`).join(' ');
    const body = `${fill} ldmatrix.sync.aligned.m8n8.${modifiers}.shared.b16 {${list}}, [%r20]; ${LANE_OUT(registers.length)} ${store}`;
    const { out, reports } = runKernel(kernelText(body, 2, SHARED), words, 32 * registers.length);
    expect(reports).toEqual([]);
    return Array.from({ length: 32 }, (_, lane) => [
      ...out.subarray(lane * registers.length, (lane + 1) * registers.length),
    ]);
  }

  test('four matrices', () => {
    const found = load('x4', ['%r5', '%r6', '%r7', '%r8']);
    const value = (i: number, r: number, c: number): number => 256 * i + 8 * r + c;
    found.forEach((row, lane) => {
      const [r, c] = [lane >> 2, 2 * (lane & 3)];
      expect(row).toEqual([0, 1, 2, 3].map((i) => value(i, r, c) | (value(i, r, c + 1) << 16)));
    });
  });

  test('transposed', () => {
    const found = load('x2.trans', ['%r5', '%r6']);
    found.forEach((row, lane) => {
      const [r, c] = [2 * (lane & 3), lane >> 2];
      expect(row).toEqual([0, 1].map((i) => (256 * i + 8 * r + c) | ((256 * i + 8 * (r + 1) + c) << 16)));
    });
  });

  test('what is stored is what was loaded; an address that is not aligned is reported', () => {
    const body = `${fill} ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r5, %r6, %r7, %r8}, [%r20]; bar.sync 0; st.shared.v4.b32 [%r20], {%r0, %r0, %r0, %r0}; bar.sync 0;
stmatrix.sync.aligned.m8n8.x4.shared.b16 [%r20], {%r5, %r6, %r7, %r8}; bar.sync 0; ld.shared.v4.b32 {%r1, %r2, %r3, %r4}, [%r20]; ${LANE_OUT(4)} st.global.v4.b32 [%rd11], {%r1, %r2, %r3, %r4};`;
    const { out, reports } = runKernel(kernelText(body, 2, SHARED), words, 128);
    expect(reports).toEqual([]);
    expect([...out]).toEqual([...new Uint32Array(words.buffer)]);
    const off = `${fill} add.s32 %r20, %r20, 8; ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r5}, [%r20];`;
    expect(runKernel(kernelText(off, 2, SHARED), words, 1).reports[0]).toMatchObject({ kind: 'misaligned' });
  });
});

interface Case {
  readonly name: string;
  readonly k: number;
  readonly element: number;
  readonly decode: (code: number) => number;
  readonly code: (word: number) => number;
  readonly float: boolean;
}

const small = (word: number): number => ((word >>> 8) % 17) - 8;
const CASES: readonly Case[] = [
  {
    name: 'm16n8k16.row.col.f32.bf16.bf16.f32',
    k: 16,
    element: 2,
    decode: (c) => widen(c, BF16),
    code: (w) => narrow(bits(small(w) / 4), BF16, 'rn', false),
    float: true,
  },
  {
    name: 'm16n8k16.row.col.f32.f16.f16.f32',
    k: 16,
    element: 2,
    decode: (c) => widen(c, F16),
    code: (w) => narrow(bits(small(w) / 4), F16, 'rn', false),
    float: true,
  },
  {
    name: 'm16n8k8.row.col.f32.bf16.bf16.f32',
    k: 8,
    element: 2,
    decode: (c) => widen(c, BF16),
    code: (w) => narrow(bits(small(w)), BF16, 'rn', false),
    float: true,
  },
  {
    name: 'm16n8k32.row.col.f32.e4m3.e4m3.f32',
    k: 32,
    element: 1,
    decode: (c) => widen(c, E4M3),
    code: (w) => narrow(bits(small(w)), E4M3, 'rn', true),
    float: true,
  },
  {
    name: 'm16n8k32.row.col.s32.s8.s8.s32',
    k: 32,
    element: 1,
    decode: (c) => (c << 24) >> 24,
    code: (w) => w & 255,
    float: false,
  },
  {
    name: 'm16n8k16.row.col.s32.u8.s8.s32',
    k: 16,
    element: 1,
    decode: (c) => c,
    code: (w) => w & 127,
    float: false,
  },
  {
    name: 'm16n8k8.row.col.f32.tf32.tf32.f32',
    k: 8,
    element: 4,
    decode: float,
    code: (w) => bits(small(w) / 8),
    float: true,
  },
];

describe('mma.sync against a plain matrix product', () => {
  test.each(CASES.map((c) => [c.name, c] as const))(
    '%s',
    (name, { k, element, decode, code, float: isFloat }) => {
      // A row-major (16, k), B column-major (8 columns of k), C row-major (16, 8): fragments are read from plain memory by
      // the layouts of the PTX ISA, written out here a second time by their formulas for each element index.
      const next = generator(k * element);
      const a = Array.from({ length: 16 * k }, () => code(next()));
      const b = Array.from({ length: 8 * k }, () => code(next()));
      const c = Array.from({ length: 128 }, () => small(next()));
      const each = 4 / element;
      const pack = (codes: number[]): number =>
        codes.reduce((word, value, j) => word | (value << (8 * element * j)), 0);
      const aWords = (k * 16 * element) / 128;
      const bWords = (k * 8 * element) / 128;
      const width = aWords + bWords + 4;
      const input = new Int32Array(32 * width);
      for (let lane = 0; lane < 32; lane++) {
        const [group, member] = [Math.floor(lane / 4), lane % 4];
        for (let i = 0; i < aWords * each; i += each) {
          const second = Math.floor(i / each) % 2 === 1;
          const upper = i >= 2 * each;
          const codes = Array.from(
            { length: each },
            (_, j) => a[(group + (second ? 8 : 0)) * k + member * each + j + (upper ? 4 * each : 0)]!,
          );
          input[lane * width + i / each] = pack(codes);
        }
        for (let i = 0; i < bWords * each; i += each) {
          const codes = Array.from(
            { length: each },
            (_, j) => b[group * k + member * each + j + (i >= each ? 4 * each : 0)]!,
          );
          input[lane * width + aWords + i / each] = pack(codes);
        }
        for (let i = 0; i < 4; i++) {
          const value = c[(group + (i < 2 ? 0 : 8)) * 8 + member * 2 + (i & 1)]!;
          input[lane * width + aWords + bWords + i] = isFloat ? bits(value) : value;
        }
      }
      const registers = (from: number, count: number): string[] =>
        Array.from({ length: count }, (_, n) => `%r${20 + from + n}`);
      const loads = registers(0, width).map((r, n) => `ld.global.b32 ${r}, [%rd6+${4 * n}];`);
      const list = (from: number, count: number): string => `{${registers(from, count).join(', ')}}`;
      const body = `mul.wide.u32 %rd5, %r0, ${width * 4}; add.s64 %rd6, %rd0, %rd5; ${loads.join(' ')}
mma.sync.aligned.${name} {%r1, %r2, %r3, %r4}, ${list(0, aWords)}, ${list(aWords, bWords)}, ${list(aWords + bWords, 4)};
${LANE_OUT(4)} st.global.v4.b32 [%rd11], {%r1, %r2, %r3, %r4};`;
      const { out, reports } = runKernel(kernelText(body), input, 128);
      expect(reports).toEqual([]);
      for (let row = 0; row < 16; row++) {
        for (let column = 0; column < 8; column++) {
          let sum = c[row * 8 + column]!;
          for (let i = 0; i < k; i++) sum += decode(a[row * k + i]!) * decode(b[column * k + i]!);
          const lane = 4 * (row % 8) + Math.floor(column / 2);
          const word = out[lane * 4 + 2 * Math.floor(row / 8) + (column % 2)]! | 0;
          expect(isFloat ? float(word) : word).toBe(sum);
        }
      }
    },
  );

  test('f16 accumulators are packed', () => {
    const one = (0x3c00 << 16) | 0x3c00;
    const body = `mov.b32 %r5, ${one}; mov.b32 %r6, 0; mma.sync.aligned.m16n8k16.row.col.f16.f16.f16.f16 {%r1, %r2}, {%r5, %r5, %r5, %r5}, {%r5, %r5}, {%r5, %r6};
${LANE_OUT(2)} st.global.v2.b32 [%rd11], {%r1, %r2};`;
    const { out } = runKernel(kernelText(body), new Int32Array(4), 64);
    const half = (value: number): number => narrow(bits(value), F16, 'rn', false);
    expect([out[0], out[1]]).toEqual([half(17) * 0x10001, half(16) * 0x10001]);
  });
});
