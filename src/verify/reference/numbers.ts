/**
 * What arithmetic needs of the language's globals, bound once: where code runs in a context of its own, as under test, each
 * lookup of a global costs more than the arithmetic.
 */

export const { abs, ceil, floor, fround, imul, max, min, sign, trunc } = Math;
export const { isFinite: finite, isNaN: nan } = Number;
export const INFINITY = Infinity;
