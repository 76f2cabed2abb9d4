/**
 * A matrix product -> checked numbers, its key, and what cuBLASLt calls its operands.
 *
 * Ours is row-major: `out [m, n] = epilogue(alpha * a [m, k] x b [k, n] + beta * out + bias [n])`. cuBLASLt is column-major, and a
 * row-major matrix read column by column is its transpose. So it is asked for the transposed product, out' = b' x a': its A is
 * our `b`, its B is our `a`, its rows are our n and its columns our m. A linear layer's weight, stored [n, k], is the
 * transposed `b`: the A of cuBLASLt with the operation "transpose", which is the one form that FP8 has.
 */

import { RoseError } from '../../util/errors.js';
import { dtypeBytes } from '../dtype.js';
import type { DATA_TYPE } from './constants.js';
import { EPILOGUE } from './constants.js';

export type GemmDtype = keyof typeof DATA_TYPE;
export type GemmEpilogue = keyof typeof EPILOGUE;

export interface GemmProblem {
  /** Rows of `out`. */
  readonly m: number;
  /** Columns of `out`. */
  readonly n: number;
  /** Length of the sums. */
  readonly k: number;
  readonly types: { readonly a: GemmDtype; readonly b: GemmDtype; readonly out: GemmDtype };
  /** Which operands are stored transposed: `a` as [k, m], `b` as [n, k]. Default: none. */
  readonly transposes?: { readonly a?: boolean; readonly b?: boolean };
  /** Elements from one stored row to the next; default: rows follow each other. */
  readonly pitches?: { readonly a?: number; readonly b?: number; readonly out?: number };
  /** What is done to each element of `out` before it is rounded; GELU by its tanh approximation. Default `none`. */
  readonly epilogue?: GemmEpilogue;
  /** Whether f32 operands may be rounded to TF32. Default false. */
  readonly tf32?: boolean;
  /** Whether FP8 products may be summed with fewer bits. Default false. */
  readonly fastAccumulation?: boolean;
  /** Least alignment of the operands' addresses, a power of two; FP8 needs 16. Default 16. */
  readonly alignment?: number;
}

/** A stored matrix. */
export interface StoredMatrix {
  readonly dtype: GemmDtype;
  readonly rows: number;
  readonly columns: number;
  /** Elements from one row to the next. */
  readonly pitch: number;
  /** From the first byte of the first element to the last of the last. */
  readonly bytes: number;
}

export interface CheckedProblem {
  /** Equal for problems that one plan serves. */
  readonly key: string;
  /** `(m, n, k) a x b -> out`, for messages. */
  readonly text: string;
  readonly a: StoredMatrix;
  readonly b: StoredMatrix;
  readonly out: StoredMatrix;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly epilogue: GemmEpilogue;
  /** Dtype of the bias; absent: there is none. */
  readonly bias: GemmDtype | undefined;
  readonly fp8: boolean;
  readonly tf32: boolean;
  readonly fastAccumulation: boolean;
  readonly alignment: number;
}

/** Operand dtypes -> the outputs that cuBLASLt has for them, f32 sums in between. */
const OUTPUTS: Readonly<Record<string, readonly GemmDtype[]>> = {
  'bf16 bf16': ['bf16', 'f32'],
  'f16 f16': ['f16', 'f32'],
  'f32 f32': ['f32'],
  'e4m3 e4m3': ['bf16', 'f16', 'f32'],
  'e4m3 e5m2': ['bf16', 'f16', 'f32'],
  'e5m2 e4m3': ['bf16', 'f16', 'f32'],
};

const FP8_MULTIPLE = 16;

/** Raises LAUNCH_GUARD for what cuBLASLt has no kernels for, with the numbers. */
export function checkProblem(problem: GemmProblem): CheckedProblem {
  const { m, n, k, types, epilogue = 'none', tf32 = false, fastAccumulation = false } = problem;
  const { alignment = 16, pitches = {} } = problem;
  const [transposeA, transposeB] = [problem.transposes?.a === true, problem.transposes?.b === true];
  const text = `the product (${m}, ${n}, ${k}) ${types.a} x ${types.b} -> ${types.out}`;
  for (const [name, extent] of Object.entries({ m, n, k })) {
    if (!Number.isInteger(extent) || extent < 1 || extent >= 2 ** 31) {
      throw refuse(text, `${name} is ${extent}`, 'a whole number from 1 to 2147483647', 'correct the extent');
    }
  }
  const outputs = OUTPUTS[`${types.a} ${types.b}`];
  if (!outputs?.includes(types.out)) {
    const known = Object.entries(OUTPUTS).map(([inputs, out]) => `${inputs} -> ${out.join(' or ')}`);
    throw refuse(text, `${types.a} ${types.b} -> ${types.out}`, known.join('; '), 'convert an operand');
  }
  if (!(epilogue in EPILOGUE)) {
    throw refuse(text, `epilogue ${epilogue}`, Object.keys(EPILOGUE).join(', '), 'name one of these');
  }
  if (!Number.isInteger(Math.log2(alignment)) || alignment > 256) {
    throw refuse(text, `alignment ${alignment}`, 'a power of two up to 256', 'correct the alignment');
  }
  const fp8 = dtypeBytes(types.a) === 1;
  const a = stored('a', types.a, transposeA ? [k, m] : [m, k], pitches.a, text);
  const b = stored('b', types.b, transposeB ? [n, k] : [k, n], pitches.b, text);
  const out = stored('out', types.out, [m, n], pitches.out, text);
  if (fp8) checkFp8(text, { transposeA, transposeB, alignment, n, k, pitchA: a.pitch, pitchB: b.pitch });
  const withBias = epilogue.startsWith('bias');
  const bias = withBias ? (fp8 && types.out === 'f32' ? 'bf16' : types.out) : undefined;
  const pitchKey = [a, b, out].map(({ pitch }) => pitch);
  const flags = [transposeA, transposeB, tf32, fastAccumulation].map(Number);
  const key = [m, n, k, types.a, types.b, types.out, ...pitchKey, ...flags, epilogue, alignment].join(' ');
  return {
    key,
    text,
    a,
    b,
    out,
    transposeA,
    transposeB,
    epilogue,
    bias,
    fp8,
    tf32,
    fastAccumulation,
    alignment,
  };
}

function stored(
  name: string,
  dtype: GemmDtype,
  [rows, columns]: readonly [number, number],
  pitch = columns,
  text: string,
): StoredMatrix {
  if (!Number.isInteger(pitch) || pitch < columns) {
    throw refuse(
      text,
      `a pitch of ${pitch} for ${name}`,
      `at least its ${columns} columns`,
      'correct the pitch',
    );
  }
  return { dtype, rows, columns, pitch, bytes: ((rows - 1) * pitch + columns) * dtypeBytes(dtype) };
}

interface Fp8Numbers {
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  readonly alignment: number;
  readonly n: number;
  readonly k: number;
  readonly pitchA: number;
  readonly pitchB: number;
}

function checkFp8(text: string, { transposeA, transposeB, alignment, ...numbers }: Fp8Numbers): void {
  if (transposeA || !transposeB) {
    const form = `a ${transposeA ? '[k, m]' : '[m, k]'}, b ${transposeB ? '[n, k]' : '[k, n]'}`;
    throw refuse(text, form, 'FP8 as a [m, k], b [n, k]', 'store b transposed, as a weight [out, in] is');
  }
  for (const [name, value] of Object.entries(numbers)) {
    if (value % FP8_MULTIPLE !== 0) {
      throw refuse(text, `${name} is ${value}`, 'a multiple of 16 with FP8', 'pad the matrix');
    }
  }
  if (alignment < FP8_MULTIPLE) {
    throw refuse(text, `alignment ${alignment}`, 'at least 16 with FP8', 'align the operands to 16 bytes');
  }
}

export function refuse(text: string, actual: string, expected: string, next: string): RoseError {
  return new RoseError({ code: 'LAUNCH_GUARD', message: `${text} was refused`, actual, expected, next });
}
