/** Declared dimensions -> extents: derived ones evaluated, division exact, no cycles. */

import { RoseError, type Place } from '../util/errors.js';
import { LIMITS } from './limits.js';
import { unknownName } from './names.js';
import { dimExprNames, formatDimExpr } from './parse-dim-expr.js';
import type { DimDecl, DimExpr, Extent } from './types.js';

type DimOp = (DimExpr & { readonly kind: 'op' })['op'];

/** Extents by dimension; undefined for a static dimension that nothing has bound yet, and what depends on it. */
export type Extents = ReadonlyMap<string, Extent | undefined>;

/** Raises SPEC_DIM where a name is unknown or dynamic, or dimensions depend on each other in a ring. */
export function checkDims(dims: readonly DimDecl[]): void {
  const byName = new Map(dims.map((dim) => [dim.name, dim]));
  const done = new Set<string>();
  const visit = (dim: DimDecl, path: readonly string[]): void => {
    if (path.includes(dim.name)) {
      const ring = [...path.slice(path.indexOf(dim.name)), dim.name].join(' -> ');
      throw dimError(dim.span, `${dim.name} depends on itself`, ring, 'no ring', 'make one of them static');
    }
    if (done.has(dim.name)) return;
    for (const name of dependencies(dim)) {
      const other = byName.get(name);
      if (!other) throw unknownName('SPEC_DIM', 'dimension', name, [...byName.keys()], dim.span);
      requireStatic(other, `${dim.name} is computed from ${name}`, dim.span);
      if (dim.kind === 'sections' && other.kind === 'sections') {
        throw dimError(dim.span, 'a section cannot be cut again', name, 'a plain dimension', 'cut it once');
      }
      visit(other, [...path, dim.name]);
    }
    done.add(dim.name);
  };
  for (const dim of dims) visit(dim, []);
}

/** Dimensions that one is computed from. */
export function dependencies(dim: DimDecl): readonly string[] {
  switch (dim.kind) {
    case 'dynamic':
    case 'static':
      return [];
    case 'derived':
      return dimExprNames(dim.value);
    case 'sections':
      return dim.parts.map((part) => part.dim);
    default:
      dim satisfies never;
      return [];
  }
}

/** Raises SPEC_DIM where the dimension is known at launch only. */
export function requireStatic(dim: DimDecl, why: string, place: Place): void {
  if (dim.kind === 'dynamic') {
    throw dimError(
      place,
      `${why}, which is dynamic`,
      `${dim.name} is dynamic`,
      'a static dimension',
      `make ${dim.name} static, or use another dimension`,
    );
  }
}

/** Extents of checked dimensions, given those of the static ones. Raises SPEC_DIM. */
export function evaluateExtents(dims: readonly DimDecl[], bound: ReadonlyMap<string, number>): Extents {
  const byName = new Map(dims.map((dim) => [dim.name, dim]));
  const extents = new Map<string, Extent | undefined>();
  const extent = (dim: DimDecl): Extent | undefined => {
    if (!extents.has(dim.name)) extents.set(dim.name, compute(dim));
    return extents.get(dim.name);
  };
  const lookup = (name: string): number | undefined => {
    const found = extent(byName.get(name)!);
    return found === 'dynamic' ? undefined : found;
  };
  const compute = (dim: DimDecl): Extent | undefined => {
    switch (dim.kind) {
      case 'dynamic':
        return 'dynamic';
      case 'static':
        return bound.get(dim.name);
      case 'derived':
        return sized(dim, evaluateDimExpr(dim.value, lookup, dim.span));
      case 'sections': {
        const parts = dim.parts.map((part) => lookup(part.dim));
        const known = parts.filter((part) => part !== undefined);
        return known.length < parts.length
          ? undefined
          : sized(
              dim,
              known.reduce((sum, part) => sum + part, 0),
            );
      }
      default:
        dim satisfies never;
        return undefined;
    }
  };
  // In the order of declaration, whatever order they are computed in.
  return new Map(dims.map((dim) => [dim.name, extent(dim)]));
}

function sized(dim: DimDecl, value: number | undefined): number | undefined {
  if (value === undefined || (value >= 1 && value <= LIMITS.extent)) return value;
  throw dimError(
    dim.span,
    `${dim.name} has no legal extent`,
    String(value),
    `1 to ${LIMITS.extent}`,
    'bind other static dimensions',
  );
}

/** Value of an expression; undefined where `lookup` knows no value. Raises SPEC_DIM where it is no exact integer. */
export function evaluateDimExpr(
  expr: DimExpr,
  lookup: (name: string) => number | undefined,
  place: Place,
): number | undefined {
  if (expr.kind === 'const') return expr.value;
  if (expr.kind === 'dim') return lookup(expr.name);
  const left = evaluateDimExpr(expr.left, lookup, place);
  const right = evaluateDimExpr(expr.right, lookup, place);
  if (left === undefined || right === undefined) return undefined;
  if (expr.op === '/' && (right === 0 || left % right !== 0)) {
    throw dimError(
      place,
      `${formatDimExpr(expr)} does not divide exactly`,
      `${left} / ${right}`,
      'a division without remainder',
      'bind a multiple, or change the expression',
    );
  }
  if (expr.op === 'ceil_div' && right < 1) {
    throw dimError(
      place,
      `${formatDimExpr(expr)} divides by less than 1`,
      `ceil_div(${left}, ${right})`,
      'a divisor of at least 1',
      'bind another, or change the expression',
    );
  }
  const value = applied(expr.op, left, right);
  if (!Number.isSafeInteger(value)) {
    throw dimError(
      place,
      `${formatDimExpr(expr)} is too large`,
      String(value),
      'at most 2^53 - 1',
      'bind less',
    );
  }
  return value;
}

function applied(op: DimOp, left: number, right: number): number {
  switch (op) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return left / right;
    case 'ceil_div': {
      const whole = Math.floor(left / right);
      return whole * right < left ? whole + 1 : whole;
    }
    default:
      op satisfies never;
      return 0;
  }
}

function dimError(place: Place, message: string, actual: string, expected: string, next: string): RoseError {
  return new RoseError({ code: 'SPEC_DIM', message, place, actual, expected, next });
}
