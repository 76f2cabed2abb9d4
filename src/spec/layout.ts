/**
 * A tensor's shape and strides, with extents bound -> its modes, each with a stride; layouts that overlap are refused.
 *
 * Strides count elements. A layout is accepted where, by rising stride, each stride is beyond the furthest that all
 * smaller ones reach together: then no two elements share an address. Strides given at launch are checked there.
 */

import { evaluateDimExpr, type Extents } from './dims.js';
import { layoutError, shapeModes, type ShapeMode } from './shapes.js';
import type { BoundMode, Extent, TensorDecl } from './types.js';

/** Modes of a bound tensor, slowest first. Raises SPEC_LAYOUT, SPEC_DIM. */
export function layoutModes(tensor: TensorDecl, extents: Extents): readonly BoundMode[] {
  const modes = shapeModes(tensor.shape).map((mode) => ({
    ...mode,
    extent: modeExtent(tensor, mode, extents),
  }));
  const strides = tensor.strides ? givenStrides(tensor, modes, extents) : rowMajor(tensor, modes);
  const bound = modes.map(({ axis, dim, extent, extra, entry }, i): BoundMode => {
    return { axis, dim, extent, extra, stride: strides[i]!, entry };
  });
  checkOverlap(tensor, bound);
  return bound;
}

type SizedMode = ShapeMode & { readonly extent: Extent };
type Stride = BoundMode['stride'];

function modeExtent(tensor: TensorDecl, mode: ShapeMode, extents: Extents): Extent {
  const extent = extents.get(mode.dim)!;
  if (extent === 'dynamic' || mode.by === 1) return extent;
  if (extent % mode.by === 0) return extent / mode.by;
  throw layoutError(
    tensor.span,
    `${tensor.name}: blocks of ${mode.by} do not fill ${mode.dim}`,
    `${mode.dim} = ${extent}, remainder ${extent % mode.by}`,
    `a multiple of ${mode.by}`,
    `bind ${mode.dim} to a multiple of ${mode.by}`,
  );
}

/** Contiguous strides; `computed` to the left of a dynamic mode. */
function rowMajor(tensor: TensorDecl, modes: readonly SizedMode[]): readonly Stride[] {
  const strides: Stride[] = [];
  let stride: Stride = 1;
  for (const [i, mode] of [...modes.entries()].reverse()) {
    strides.unshift(stride);
    if (mode.extent === 'dynamic' && mode.extra > 0 && i > 0) {
      throw layoutError(
        tensor.span,
        `${tensor.name}: ${mode.dim}+${mode.extra} is not the slowest entry`,
        `entry ${mode.entry + 1} of ${tensor.shape.length}`,
        'an extended dynamic dimension first in its shape',
        'put it first',
      );
    }
    stride =
      stride === 'computed' || mode.extent === 'dynamic' ? 'computed' : stride * (mode.extent + mode.extra);
    if (typeof stride === 'number') checkStride(tensor, stride);
  }
  return strides;
}

/** One stride an entry; inside a merged entry the modes are contiguous. */
function givenStrides(tensor: TensorDecl, modes: readonly SizedMode[], extents: Extents): readonly Stride[] {
  const lookup = (name: string): number | undefined => {
    const extent = extents.get(name);
    return extent === 'dynamic' ? undefined : extent;
  };
  return tensor.strides!.flatMap((given, entry): Stride[] => {
    const inner = modes.filter((mode) => mode.entry === entry);
    let stride: Stride = given === 'dynamic' ? given : evaluateDimExpr(given, lookup, tensor.span)!;
    if (typeof stride === 'number') checkStride(tensor, stride);
    const strides: Stride[] = [];
    for (const [i, mode] of [...inner.entries()].reverse()) {
      strides.unshift(stride);
      if (i === 0) break;
      if (stride === 'dynamic' || mode.extent === 'dynamic') {
        throw layoutError(
          tensor.span,
          `${tensor.name}: a merged entry has no single stride known before launch`,
          stride === 'dynamic' ? 'a dynamic stride' : `${mode.dim} is dynamic`,
          'a static stride and static dimensions to the right',
          'give its dimensions entries of their own',
        );
      }
      stride = (stride as number) * mode.extent;
      checkStride(tensor, stride);
    }
    return strides;
  });
}

function checkStride(tensor: TensorDecl, stride: number): void {
  if (Number.isSafeInteger(stride) && stride >= 0) return;
  throw layoutError(
    tensor.span,
    `${tensor.name} has a stride that no address holds`,
    String(stride),
    '0 to 2^53 - 1 elements',
    'bind smaller dimensions',
  );
}

function checkOverlap(tensor: TensorDecl, modes: readonly BoundMode[]): void {
  let reach = 0;
  let inner = '';
  const known = modes.flatMap((mode) =>
    typeof mode.stride === 'number' && mode.extent !== 1 ? [{ ...mode, stride: mode.stride }] : [],
  );
  for (const mode of known.sort((a, b) => a.stride - b.stride)) {
    if (mode.stride <= reach) {
      throw layoutError(
        tensor.span,
        `${tensor.name} overlaps itself`,
        inner === ''
          ? `stride ${mode.stride} of ${mode.axis}`
          : `stride ${mode.stride} of ${mode.axis}, and ${inner} reaches ${reach === Infinity ? 'any address' : reach}`,
        reach === Infinity ? 'strides that keep elements apart' : `a stride of at least ${reach + 1}`,
        'give each element an address of its own',
      );
    }
    reach += mode.extent === 'dynamic' ? Infinity : (mode.extent + mode.extra - 1) * mode.stride;
    inner = mode.axis;
  }
}
