/**
 * Casts: which pairs of dtypes have one, with which rounding, and whether it saturates.
 *
 * - float to float rounds to nearest even unless another rounding is named; to fp8 only nearest even exists, and it
 *   saturates. Neither side being f32, the value goes through f32, exactly.
 * - float to integer must name its rounding and saturates, as the hardware does; i8 and u8 must say so with `sat`.
 * - integer to f32 rounds to nearest even; i8 and u8 convert to every float exactly.
 * - integers widen and narrow between i32 and each of i64, i8, u8; narrowing wraps unless `sat` is named. bool gives 0 or 1.
 */

import { RoseError, type Place } from '../../util/errors.js';
import type { Dtype, Rounding, TypedExpr } from '../types.js';

const ROUNDINGS = ['rn', 'rz', 'rm', 'rp'] as const satisfies readonly Rounding[];
const FLOATS: readonly Dtype[] = ['f32', 'bf16', 'f16', 'e4m3', 'e5m2'];
const BYTES: readonly Dtype[] = ['i8', 'u8'];

/** Roundings that hardware has for a float target; e4m3 and e5m2 know one alone. */
const FLOAT_ROUNDINGS: Readonly<Partial<Record<Dtype, readonly Rounding[]>>> = {
  bf16: ['rn', 'rz'],
  f16: ROUNDINGS,
  e4m3: ['rn'],
  e5m2: ['rn'],
};

/** `operand` as `target`, under the modes that the cast names. Raises FORMULA_TYPE. */
export function cast(operand: TypedExpr, target: Dtype, modes: readonly string[], span: Place): TypedExpr {
  const { rounding, saturate } = readModes(target, modes, span);
  const from = operand.dtype;
  if (from === target) return operand;
  const make = (value: TypedExpr, dtype: Dtype, mode: Rounding, clamp: boolean): TypedExpr => ({
    kind: 'cast',
    operand: value,
    rounding: mode,
    saturate: clamp,
    dtype,
    axes: value.axes,
    span,
  });
  const exact = (why: string): void => {
    if (rounding !== undefined) throw noCast(from, target, `no rounding: ${why}`, span);
  };
  const [fromFloat, toFloat] = [FLOATS.includes(from), FLOATS.includes(target)];

  if (fromFloat && toFloat) {
    const wide = from === 'f32' ? operand : make(operand, 'f32', 'rn', false);
    if (target === 'f32') {
      exact('f32 holds every value exactly');
      if (saturate) throw noCast(from, target, 'no sat: f32 holds every value', span);
      return wide;
    }
    const allowed = FLOAT_ROUNDINGS[target]!;
    if (rounding !== undefined && !allowed.includes(rounding)) {
      throw noCast(from, target, `a rounding of ${allowed.join(', ')}`, span);
    }
    return make(wide, target, rounding ?? 'rn', saturate || target === 'e4m3' || target === 'e5m2');
  }
  if (fromFloat) {
    if (target === 'bool') throw noCast(from, target, 'a comparison, such as x != 0.0', span);
    if (from !== 'f32') throw noCast(from, target, `${target}.rn(f32(x)): integers are made from f32`, span);
    if (rounding === undefined) {
      const form = BYTES.includes(target) ? `${target}.rn.sat(x)` : `${target}.rz(x)`;
      throw noCast(from, target, `a named rounding, such as ${form}`, span);
    }
    if (BYTES.includes(target) && !saturate) throw noCast(from, target, `${target}.${rounding}.sat(x)`, span);
    return make(operand, target, rounding, true);
  }
  if (toFloat) {
    if (from === 'bool') throw noCast(from, target, `select(x, ${target}(1.0), ${target}(0.0))`, span);
    if (saturate) throw noCast(from, target, 'no sat', span);
    if (target === 'f32') return make(operand, target, rounding ?? 'rn', false);
    if (!BYTES.includes(from)) throw noCast(from, target, `${target}(f32(x)): one rounding at a time`, span);
    exact('write it at the cast from f32');
    return cast(make(operand, 'f32', 'rn', false), target, [], span);
  }
  exact('integers are exact');
  if (target === 'bool') throw noCast(from, target, 'a comparison, such as x != 0', span);
  const narrows = target !== 'i64' && !(target === 'i32' && from !== 'i64');
  if (from !== 'i32' && target !== 'i32') throw noCast(from, target, `${target}(i32(x))`, span);
  if (saturate && !narrows) throw noCast(from, target, 'no sat: every value fits', span);
  return make(operand, target, 'rn', saturate);
}

function readModes(
  target: Dtype,
  modes: readonly string[],
  span: Place,
): { rounding: Rounding | undefined; saturate: boolean } {
  const roundings = modes.filter((mode): mode is Rounding => (ROUNDINGS as readonly string[]).includes(mode));
  const sats = modes.filter((mode) => mode === 'sat');
  if (roundings.length + sats.length < modes.length || roundings.length > 1 || sats.length > 1) {
    throw new RoseError({
      code: 'FORMULA_TYPE',
      message: 'the cast has modes that do not exist',
      place: span,
      actual: `${target}.${modes.join('.')}`,
      expected: 'at most one rounding (rn, rz, rm, rp) and sat',
      next: `write for example ${target}.rn(x)`,
    });
  }
  return { rounding: roundings[0], saturate: sats.length === 1 };
}

function noCast(from: Dtype, to: Dtype, expected: string, place: Place): RoseError {
  return new RoseError({
    code: 'FORMULA_TYPE',
    message: `there is no such cast from ${from} to ${to}`,
    place,
    actual: `${from} to ${to}`,
    expected,
    next: 'write the cast as expected',
  });
}
