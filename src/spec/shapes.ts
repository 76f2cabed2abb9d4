/** Text of shape entries and strides -> their trees, checked against the declared dimensions. */

import { RoseError, type Place } from '../util/errors.js';
import { requireStatic } from './dims.js';
import { unknownName } from './names.js';
import { dimExprNames, formatDimExpr, parseDimExpr } from './parse-dim-expr.js';
import type { Excerpt } from './source-text.js';
import type { Axis, DimDecl, DimExpr, ShapeEntry } from './types.js';

type Dims = ReadonlyMap<string, DimDecl>;

/** Raises SPEC_LAYOUT where the text is no shape entry, SPEC_DIM where a dimension does not fit. */
export function parseShapeEntry(excerpt: Excerpt, dims: Dims): ShapeEntry {
  const place = excerpt.place(0, excerpt.text.length);
  const entry = shapeEntry(parseDimExpr(excerpt, 'SPEC_LAYOUT'));
  if (!entry) {
    throw layoutError(
      place,
      'this is no shape entry',
      excerpt.text,
      '`hidden`, `two*half`, `hidden/128` or `sequences+1`',
      'give the size a name under dims',
    );
  }
  for (const name of entryDims(entry)) {
    const dim = dims.get(name);
    if (!dim) throw unknownName('SPEC_DIM', 'dimension', name, [...dims.keys()], place);
    if (entry.kind === 'blocks') requireStatic(dim, `blocks of ${name} are counted`, place);
    if (dim.kind === 'sections' && (entry.kind === 'blocks' || entry.kind === 'extended')) {
      throw layoutError(
        place,
        `${name} is cut into sections`,
        excerpt.text,
        name,
        'name the dimension alone',
      );
    }
  }
  return entry;
}

function shapeEntry(expr: DimExpr): ShapeEntry | undefined {
  if (expr.kind === 'dim') return { kind: 'axis', dim: expr.name };
  if (expr.kind !== 'op') return undefined;
  const { op, left, right } = expr;
  if (op === '*') {
    const parts = [shapeEntry(left), shapeEntry(right)];
    const names = parts.flatMap((part) =>
      part?.kind === 'axis' || part?.kind === 'merged' ? entryDims(part) : [],
    );
    return parts.some((part) => part?.kind !== 'axis' && part?.kind !== 'merged')
      ? undefined
      : { kind: 'merged', dims: names };
  }
  if (left.kind !== 'dim' || right.kind !== 'const') return undefined;
  if (op === '/' && right.value >= 2) return { kind: 'blocks', dim: left.name, by: right.value };
  if (op === '+' && right.value >= 1 && right.value <= 1024) {
    return { kind: 'extended', dim: left.name, extra: right.value };
  }
  return undefined;
}

export function entryDims(entry: ShapeEntry): readonly string[] {
  return entry.kind === 'merged' ? entry.dims : [entry.dim];
}

/** One mode of a tensor before extents are known; merged entries give one for each dimension. */
export interface ShapeMode {
  readonly axis: Axis;
  readonly dim: string;
  /** Length of a block; 1 where the mode is a dimension's own. */
  readonly by: number;
  readonly extra: number;
  readonly entry: number;
}

export function shapeModes(shape: readonly ShapeEntry[]): readonly ShapeMode[] {
  return shape.flatMap((entry, index) =>
    entryDims(entry).map((dim) => {
      const by = entry.kind === 'blocks' ? entry.by : 1;
      return {
        axis: by > 1 ? `${dim}/${by}` : dim,
        dim,
        by,
        extra: entry.kind === 'extended' ? entry.extra : 0,
        entry: index,
      };
    }),
  );
}

/** Raises SPEC_LAYOUT where a dimension appears twice in a shape. */
export function checkShape(tensor: string, shape: readonly ShapeEntry[], place: Place): void {
  const names = shape.flatMap(entryDims);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) {
    throw layoutError(
      place,
      `${tensor} has the dimension ${twice} twice`,
      names.join(', '),
      'each dimension once',
      `declare a second dimension of the same size: \`${twice}2: ${twice}\``,
    );
  }
}

/** A stride: `dynamic`, or an expression over static dimensions. Raises SPEC_LAYOUT, SPEC_DIM. */
export function parseStride(value: string | number, excerpt: Excerpt, dims: Dims): DimExpr | 'dynamic' {
  if (typeof value === 'number') return { kind: 'const', value };
  if (value.trim() === 'dynamic') return 'dynamic';
  const expr = parseDimExpr(excerpt, 'SPEC_LAYOUT');
  const place = excerpt.place(0, excerpt.text.length);
  for (const name of dimExprNames(expr)) {
    const dim = dims.get(name);
    if (!dim) throw unknownName('SPEC_DIM', 'dimension', name, [...dims.keys()], place);
    requireStatic(dim, `the stride ${formatDimExpr(expr)} needs ${name}`, place);
  }
  return expr;
}

export function layoutError(
  place: Place,
  message: string,
  actual: string,
  expected: string,
  next: string,
): RoseError {
  return new RoseError({ code: 'SPEC_LAYOUT', message, place, actual, expected, next });
}
