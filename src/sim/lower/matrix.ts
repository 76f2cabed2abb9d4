/**
 * Matrix instructions of a warp: ldmatrix, stmatrix, mma.sync -> sync points.
 *
 * Fragment layouts, PTX ISA "Warp-level matrix instructions": lane = 4 * group + member. Register r of A (16 x k) with e
 * elements holds row group + 8 * (r & 1), columns 4 e * (r >> 1) + e * member + j; register r of B (k x 8) holds column
 * group, rows 4 e * r + e * member + j; C and D (16 x 8) as A with e = 2 and a word (or, packed, half a word) an element.
 * Products are exact and summed in double before one rounding: the hardware's order of accumulation is not claimed.
 */

import { BF16, E4M3, E5M2, F16, bitsOfF32, f32OfBits, widen } from '../float/formats.js';
import { narrowDouble } from '../float/half.js';
import type { PtxOperand } from '../ptx/ast.js';
import type { WarpEffect } from '../program.js';
import type { Builder } from './builder.js';
import { address32, memoryOperand } from './address.js';
import type { Rule, Rules } from './rules.js';

const items = (operand: PtxOperand): readonly PtxOperand[] =>
  operand.kind === 'vector' ? operand.items : [operand];

function warp(b: Builder, name: string, inputs: string[], outputs: number, effect: WarpEffect): number {
  return b.sync({ kind: 'warp', name, mask: -1, maskInput: -1, effect, orders: false }, inputs, outputs).id;
}

/** Shape modifiers of ldmatrix and stmatrix: the number of 8 x 8 matrices of 16-bit elements. */
function matrices(b: Builder, m: Parameters<Rule>[1]): { count: number; transposed: boolean } {
  m.ignore(/^(sync|aligned|shared|shared::cta)$/);
  if (!m.has('m8n8')) throw b.unsupported('only m8n8 matrices are modelled');
  const count = Number(m.oneOf(['x1', 'x2', 'x4'] as const)?.slice(1) ?? 1);
  const transposed = m.has('trans');
  if (m.type() !== 'b16') throw b.unsupported('only 16-bit elements are modelled');
  m.done();
  return { count, transposed };
}

/** Row and column of the j-th element that a lane holds of an 8 x 8 matrix. */
function place(lane: number, j: number, transposed: boolean): [number, number] {
  const [row, column] = [lane >> 2, 2 * (lane & 3) + j];
  return transposed ? [column, row] : [row, column];
}

const ldmatrix: Rule = (b, m) => {
  const { count, transposed } = matrices(b, m);
  const id = warp(
    b,
    'ldmatrix',
    [address32(b, memoryOperand(b, 1))],
    count,
    ({ inputs, outputs, machine, instruction }, base) => {
      for (let matrix = 0; matrix < count; matrix++) {
        const rows = Array.from({ length: 8 }, (_, row) => {
          const g = base + 8 * matrix + row;
          return machine.sharedLoad(inputs[0]![g]!, 16, g, instruction);
        });
        for (let lane = 0; lane < 32; lane++) {
          let word = 0;
          for (let j = 0; j < 2; j++) {
            const [row, column] = place(lane, j, transposed);
            const k = rows[row]! + 2 * column;
            word |= (machine.shared[k]! | (machine.shared[k + 1]! << 8)) << (16 * j);
          }
          outputs[matrix]![base + lane] = word;
        }
      }
    },
  );
  items(b.operand(0)).forEach((item, n) => {
    b.setI(item, `r${id}_${n}[g]`);
  });
};

const stmatrix: Rule = (b, m) => {
  const { count, transposed } = matrices(b, m);
  const words = items(b.operand(1)).map((item) => b.i(item));
  const inputs = [address32(b, memoryOperand(b, 0)), ...words];
  warp(b, 'stmatrix', inputs, 0, ({ inputs: given, machine, instruction }, base) => {
    for (let matrix = 0; matrix < count; matrix++) {
      const rows = Array.from({ length: 8 }, (_, row) => {
        const g = base + 8 * matrix + row;
        return machine.sharedStore(given[0]![g]!, 16, g, instruction);
      });
      for (let lane = 0; lane < 32; lane++) {
        const word = given[matrix + 1]![base + lane]!;
        for (let j = 0; j < 2; j++) {
          const [row, column] = place(lane, j, transposed);
          const k = rows[row]! + 2 * column;
          machine.shared[k] = (word >>> (16 * j)) & 0xff;
          machine.shared[k + 1] = (word >>> (16 * j + 8)) & 0xff;
        }
      }
    }
  });
};

/** Bits of an element -> its number. */
const DECODE: Readonly<Record<string, (bits: number) => number>> = {
  f16: (bits) => widen(bits, F16),
  bf16: (bits) => widen(bits, BF16),
  e4m3: (bits) => widen(bits, E4M3),
  e5m2: (bits) => widen(bits, E5M2),
  // The low 13 bits of a tf32 operand are not looked at.
  tf32: (bits) => f32OfBits(bits & -8192),
  s8: (bits) => (bits << 24) >> 24,
  u8: (bits) => bits,
};
const WIDTH: Readonly<Record<string, number>> = {
  f16: 16,
  bf16: 16,
  e4m3: 8,
  e5m2: 8,
  tf32: 32,
  s8: 8,
  u8: 8,
};

const mma: Rule = (b, m, instruction) => {
  m.ignore(/^(sync|aligned|row|col)$/);
  const shape = instruction.modifiers
    .map((name) => /^m16n8k(\d+)$/.exec(name))
    .find((found) => found !== null);
  if (!shape) throw b.unsupported('only shapes m16n8k* are modelled');
  m.has(shape[0]);
  const clamp = m.has('satfinite');
  m.has('kind::f8f6f4');
  const types = Array.from({ length: 4 }, () => m.next());
  m.done();
  const [dType, aType, bType, cType] = types;
  const decodeA = DECODE[aType ?? ''];
  const decodeB = DECODE[bType ?? ''];
  const bits = WIDTH[aType ?? ''];
  if (
    !decodeA ||
    !decodeB ||
    bits === undefined ||
    dType !== cType ||
    !['f32', 'f16', 's32'].includes(dType ?? '')
  )
    throw b.unsupported('these element types are not modelled');
  const k = Number(shape[1]);
  const each = 32 / bits;
  const [aItems, bItems, cItems] = [1, 2, 3].map((n) => items(b.operand(n)));
  if (aItems!.length * each * 2 !== k || bItems!.length * each * 4 !== k)
    throw b.unsupported('the fragments do not have the size that the shape asks for');
  const inputs = [...aItems!, ...bItems!, ...cItems!].map((item) => b.i(item));
  const dItems = items(b.operand(0));
  const effect = multiply({
    k,
    bits,
    each,
    decodeA,
    decodeB,
    accumulator: dType!,
    clamp,
    a: aItems!.length,
    b: bItems!.length,
  });
  const id = warp(b, 'mma.sync', inputs, dItems.length, effect);
  dItems.forEach((item, n) => {
    b.setI(item, `r${id}_${n}[g]`);
  });
};

interface Multiplication {
  readonly k: number;
  readonly bits: number;
  /** Elements a register. */
  readonly each: number;
  readonly decodeA: (bits: number) => number;
  readonly decodeB: (bits: number) => number;
  readonly accumulator: string;
  readonly clamp: boolean;
  /** Registers of the A and B fragments. */
  readonly a: number;
  readonly b: number;
}

function multiply({ k, bits, each, decodeA, decodeB, accumulator, clamp, a, b }: Multiplication): WarpEffect {
  const left = new Float64Array(16 * k);
  const right = new Float64Array(k * 8);
  const mask = bits === 32 ? -1 : (1 << bits) - 1;
  const packed = accumulator === 'f16';
  return ({ inputs, outputs }, base) => {
    for (let lane = 0; lane < 32; lane++) {
      const [group, member] = [lane >> 2, lane & 3];
      for (let j = 0; j < each; j++) {
        const column = each * member + j;
        for (let r = 0; r < a; r++) {
          const word = inputs[r]![base + lane]!;
          left[(group + 8 * (r & 1)) * k + 4 * each * (r >> 1) + column] = decodeA(
            (word >>> (bits * j)) & mask,
          );
        }
        for (let r = 0; r < b; r++) {
          const word = inputs[a + r]![base + lane]!;
          right[(4 * each * r + column) * 8 + group] = decodeB((word >>> (bits * j)) & mask);
        }
      }
    }
    for (let lane = 0; lane < 32; lane++) {
      for (let n = 0; n < 4; n++) {
        const row = (lane >> 2) + 8 * (n >> 1);
        const column = 2 * (lane & 3) + (n & 1);
        const at = packed ? n >> 1 : n;
        const addend = inputs[a + b + at]![base + lane]!;
        let sum = 0;
        for (let i = 0; i < k; i++) sum += left[row * k + i]! * right[i * 8 + column]!;
        const out = outputs[at]!;
        if (accumulator === 's32') {
          const total = sum + addend;
          out[base + lane] = clamp ? Math.max(-2147483648, Math.min(2147483647, total)) : total | 0;
        } else if (packed) {
          const c = widen((addend >>> (16 * (n & 1))) & 0xffff, F16);
          const half = narrowDouble(sum + c, 0, F16, 'rn', false);
          out[base + lane] = n & 1 ? (out[base + lane]! & 0xffff) | (half << 16) : half;
        } else out[base + lane] = bitsOfF32(Math.fround(sum + f32OfBits(addend)));
      }
    }
  };
}

const movmatrix: Rule = (b, m) => {
  m.ignore(/^(sync|aligned|trans|m8n8|b16)$/);
  m.done();
  const id = warp(b, 'movmatrix', [b.i(b.operand(1))], 1, ({ inputs, outputs }, base) => {
    for (let lane = 0; lane < 32; lane++) {
      let word = 0;
      for (let j = 0; j < 2; j++) {
        const [row, column] = place(lane, j, true);
        const from = inputs[0]![base + 4 * row + (column >> 1)]!;
        word |= ((from >>> (16 * (column & 1))) & 0xffff) << (16 * j);
      }
      outputs[0]![base + lane] = word;
    }
  });
  b.setI(b.operand(0), `r${id}_0[g]`);
};

export const MATRIX: Rules = { ldmatrix, stmatrix, mma, movmatrix };
/** All of them meet. */
export const MATRIX_OPCODES: readonly string[] = Object.keys(MATRIX);
