/** Float64 -> the values of a dtype: one rounding, as a cast says. */

import type { Dtype, Rounding } from '../../spec/index.js';
import { INFINITY, finite, floor, max, min, nan } from './numbers.js';

interface Float {
  readonly fraction: number;
  /** Exponent of the smallest normal number. */
  readonly least: number;
  readonly max: number;
  readonly infinite: boolean;
}

const FLOATS: Readonly<Partial<Record<Dtype, Float>>> = {
  f32: { fraction: 23, least: -126, max: 3.4028234663852886e38, infinite: true },
  bf16: { fraction: 7, least: -126, max: 3.3895313892515355e38, infinite: true },
  f16: { fraction: 10, least: -14, max: 65504, infinite: true },
  e4m3: { fraction: 3, least: -6, max: 448, infinite: false },
  e5m2: { fraction: 2, least: -14, max: 57344, infinite: true },
};

/** The largest i64, 2^63 - 1, has no float64: 2^63 stands for it. */
const INTEGERS: Readonly<Partial<Record<Dtype, readonly [number, number]>>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i64: [-(2 ** 63), 2 ** 63],
};

export const isFloat = (dtype: Dtype): boolean => FLOATS[dtype] !== undefined;
export const isInteger = (dtype: Dtype): boolean => INTEGERS[dtype] !== undefined;

const view = new DataView(new ArrayBuffer(8));
/** Powers of two by the exponent field that they have in float64: 2^-1022 and on. */
const POWERS = Float64Array.from({ length: 2047 }, (_, field) => 2 ** (field - 1023));

/** Exponent field of a finite float64: 0 below the normal numbers. */
function fieldOf(x: number): number {
  view.setFloat64(0, x);
  return (view.getUint16(0) >>> 4) & 0x7ff;
}

/** Distance between neighbouring values of a float dtype around `x`; of an integer dtype 1. */
export function spacing(x: number, dtype: Dtype): number {
  const float = FLOATS[dtype];
  return float ? stepOf(x, float) : 1;
}

function stepOf(x: number, { fraction, least }: Float): number {
  const field = finite(x) ? fieldOf(x) : 0;
  return POWERS[max(field, least + 1023) - fraction]!;
}

/** `x` as a value of `dtype`. NaN has no integer: the caller treats it as unknown, and gets 0. */
export function roundTo(x: number, dtype: Dtype, rounding: Rounding, saturate: boolean): number {
  return rounderTo(dtype, rounding, saturate)(x);
}

/** `roundTo` for many values. */
export function rounderTo(dtype: Dtype, rounding: Rounding, saturate: boolean): (x: number) => number {
  if (dtype === 'bool') return (x) => (x === 0 ? 0 : 1);
  const whole = WHOLE[rounding];
  const range = INTEGERS[dtype];
  if (range) {
    const [low, high] = range;
    return (x) => (nan(x) ? 0 : saturate ? min(max(whole(x), low), high) : whole(x));
  }
  const float = FLOATS[dtype]!;
  const { max: most } = float;
  const clamp = saturate || !float.infinite;
  const [above, below] = clamp ? [most, -most] : [INFINITY, -INFINITY];
  // What lies beyond the largest number stays there unless its rounding goes away from 0.
  const past = rounding === 'rn' || rounding === 'rp' ? above : most;
  const before = rounding === 'rn' || rounding === 'rm' ? below : -most;
  return (x) => {
    if (nan(x) || x === 0) return x;
    if (x === INFINITY) return above;
    if (x === -INFINITY) return below;
    const step = stepOf(x, float);
    const rounded = whole(x / step) * step;
    return rounded > most ? past : rounded < -most ? before : rounded;
  };
}

const WHOLE: Readonly<Record<Rounding, (x: number) => number>> = {
  rn: roundHalfEven,
  rz: Math.trunc,
  rm: Math.floor,
  rp: Math.ceil,
};

export function roundHalfEven(x: number): number {
  const below = floor(x);
  const rest = x - below;
  const up = rest === 0.5 ? below % 2 !== 0 : rest > 0.5;
  const whole = up ? below + 1 : below;
  // A negative number that rounds to 0 keeps its sign.
  return whole === 0 && x < 0 ? -0 : whole;
}

/** The low bits of a whole number, as a value of an integer dtype. */
export function wrapTo(x: number, dtype: Dtype): number {
  const [low, high] = INTEGERS[dtype]!;
  if (x >= low && x <= high) return x;
  const span = high - low + 1;
  const rest = x - floor(x / span) * span;
  return rest > high ? rest - span : rest;
}

/** Whether a whole number lies outside an integer dtype, where an unsaturated cast says nothing. */
export function overflows(x: number, dtype: Dtype): boolean {
  const range = INTEGERS[dtype];
  return range !== undefined && (nan(x) || x < range[0] || x > range[1]);
}
