/** A tensor of a problem in memory: extents and strides of its modes, what a launch is told of them. */

import type { VariantEntry } from '../device/index.js';
import type { BoundKernel, BoundTensor } from '../spec/index.js';

export interface TensorLayout {
  readonly shape: readonly number[];
  /** In elements, one a mode. */
  readonly strides: readonly number[];
  /** Elements from the first to the last one, gaps included. */
  readonly span: number;
}

/**
 * Strides that a launch gives are made larger than the rows they step over, by what the variant asks them to be a
 * multiple of, so that a kernel that takes rows to be contiguous is found out.
 */
export function layoutOf(
  tensor: BoundTensor,
  variant: VariantEntry,
  extents: Readonly<Record<string, number>>,
): TensorLayout {
  return stridesOf(tensor, extents, (entry, contiguous) => {
    const multiple = multipleOf(variant, tensor.name, entry);
    return (Math.ceil(contiguous / multiple) + 1) * multiple;
  });
}

/** The same without gaps: as a tensor lies that is allocated for the launch. */
export function denseLayout(tensor: BoundTensor, extents: Readonly<Record<string, number>>): TensorLayout {
  return stridesOf(tensor, extents, (_entry, contiguous) => contiguous);
}

/** @param free stride of a shape entry that the launch gives, from what lies within one step of it */
function stridesOf(
  tensor: BoundTensor,
  extents: Readonly<Record<string, number>>,
  free: (entry: number, contiguous: number) => number,
): TensorLayout {
  const shape = tensor.modes.map((mode) => extents[mode.dim]! / blockOf(mode.axis) + mode.extra);
  const strides = new Array<number>(shape.length).fill(0);
  let contiguous = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    const mode = tensor.modes[i]!;
    if (mode.stride === 'dynamic') strides[i] = free(mode.entry, contiguous);
    else strides[i] = mode.stride === 'computed' ? contiguous : mode.stride;
    contiguous = Math.max(contiguous, shape[i]! * strides[i]!);
  }
  const empty = shape.includes(0);
  const span = empty ? 0 : 1 + shape.reduce((sum, extent, i) => sum + (extent - 1) * strides[i]!, 0);
  return { shape, strides, span };
}

function blockOf(axis: string): number {
  return Number(axis.split('/')[1] ?? 1);
}

function multipleOf(variant: VariantEntry, tensor: string, entry: number): number {
  const guard = variant.guards.find(
    (each) => each.kind === 'strideMultiple' && each.tensor === tensor && each.axis === entry,
  );
  return guard?.kind === 'strideMultiple' ? guard.value : 1;
}

/** Strides by shape entry, as launch parameters name them: a merged entry has that of its last mode. */
export function entryStrides(tensor: BoundTensor, { strides }: TensorLayout): readonly number[] {
  const byEntry: number[] = [];
  tensor.modes.forEach((mode, i) => {
    byEntry[mode.entry] = strides[i]!;
  });
  return byEntry;
}

/** Element offset in memory of every logical element, row-major. */
export function offsetsOf({ shape, strides }: TensorLayout): Float64Array {
  const size = shape.reduce((product, extent) => product * extent, 1);
  const offsets = new Float64Array(size);
  const index = new Array<number>(shape.length).fill(0);
  let offset = 0;
  for (let i = 0; i < size; i++) {
    offsets[i] = offset;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      offset -= shape[axis]! * strides[axis]!;
      index[axis] = 0;
    }
  }
  return offsets;
}

/** Position of the i-th logical element, one index a mode. */
export function indexOf(i: number, shape: readonly number[]): readonly number[] {
  const index: number[] = [];
  let rest = i;
  for (const extent of [...shape].reverse()) {
    index.unshift(rest % extent);
    rest = Math.floor(rest / extent);
  }
  return index;
}

/** Whether a tensor is a parameter of the model, which no kernel writes. */
export const isWeight = (tensor: BoundTensor): boolean => tensor.constant === true;

export function tensorOf(bound: BoundKernel, name: string): BoundTensor {
  const tensor = bound.tensors.find((each) => each.name === name);
  if (!tensor) throw new Error(`no tensor ${name}`);
  return tensor;
}
