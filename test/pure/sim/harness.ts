/** Small PTX kernels around the instructions under test. */

import type { LaunchOptions, SimReport } from '../../../src/sim/index.js';
import { SimMemory, compileKernel, parsePtx, simulate } from '../../../src/sim/index.js';

/** A kernel `k` whose parameters are 64-bit addresses p0, p1, ... in %rd0, %rd1, ...; tid.x is in %r0. */
export function kernelText(body: string, parameters = 2, extra = ''): string {
  const list = Array.from({ length: parameters }, (_, n) => `.param .u64 p${n}`).join(', ');
  const loads = Array.from({ length: parameters }, (_, n) => `ld.param.u64 %rd${n}, [p${n}];`).join('\n');
  return `.version 8.8
.target sm_90a
.address_size 64
${extra}
.visible .entry k(${list})
{
.reg .pred %p<16>;
.reg .b16 %rs<32>;
.reg .b32 %r<64>;
.reg .f32 %f<32>;
.reg .b64 %rd<32>;
${loads}
mov.u32 %r0, %tid.x;
${body}
ret;
}
`;
}

export interface Run {
  readonly out: Uint32Array;
  readonly reports: readonly SimReport[];
}

/** Runs `body` with p0 = inputs and p1 = an output of `words` 32-bit words. */
export function runKernel(
  text: string,
  input: Uint32Array | Int32Array | Float32Array,
  words: number,
  options: Partial<LaunchOptions> = {},
): Run {
  const memory = new SimMemory();
  const p0 = memory.alloc(input.byteLength, { name: 'in', readonly: true });
  memory.write(p0, new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
  const p1 = memory.alloc(words * 4, { name: 'out' });
  const { reports } = simulate(compileKernel(parsePtx(text)), {
    grid: 1,
    block: 32,
    args: [p0, p1],
    memory,
    ...options,
  });
  return { out: new Uint32Array(memory.read(p1).buffer), reports };
}

/**
 * Applies an instruction to rows of up to four 32-bit operands: `body` finds them in %r10, %r11, ... and leaves its
 * result in %r1; %r2, %r4 to %r9 and those from %r14 on are free. One thread a row.
 */
export function apply(body: string, rows: readonly (readonly number[])[]): number[] {
  const width = 4;
  const block = 256;
  const padded = Math.ceil(rows.length / block) * block;
  const input = new Int32Array(padded * width);
  rows.forEach((row, r) => {
    row.forEach((value, n) => (input[r * width + n] = value));
  });
  const text = kernelText(`
mov.u32 %r2, %ctaid.x;
mad.lo.s32 %r3, %r2, ${block}, %r0;
mul.wide.u32 %rd10, %r3, 16;
add.s64 %rd11, %rd0, %rd10;
ld.global.v4.b32 {%r10, %r11, %r12, %r13}, [%rd11];
${body}
mul.wide.u32 %rd12, %r3, 4;
add.s64 %rd13, %rd1, %rd12;
st.global.b32 [%rd13], %r1;`);
  const { out, reports } = runKernel(text, input, padded, { grid: padded / block, block });
  if (reports.length) throw new Error(JSON.stringify(reports));
  return [...out.subarray(0, rows.length)].map((word) => word | 0);
}

const floats = new Float32Array(1);
const words = new Int32Array(floats.buffer);

export function bits(x: number): number {
  floats[0] = x;
  return words[0]!;
}

export function float(word: number): number {
  words[0] = word;
  return floats[0]!;
}

/** A small deterministic generator of 32-bit words. */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    let x = state ^ (state >>> 15);
    x = Math.imul(x, 0x2c1b3c6d);
    return x ^ (x >>> 12);
  };
}

/** Words that stand for f32 edge cases: zeros, denormals, limits, infinities. */
export const EDGES: readonly number[] = [
  0, -0x80000000, 1, -0x7fffffff, 0x007fffff, 0x00800000, 0x3f800000, -0x40800000, 0x7f7fffff, -0x00800001,
  0x7f800000, -0x00800000, 0x33800000, 0x34000000, 0x4b800000, 0x5f000000,
];
