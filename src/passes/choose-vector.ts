/** How many elements of the contiguous lane axis a thread moves at once, and what that asks of each tensor. */

import type { Architecture } from '../device/arch.js';
import { makeLayout, maxVectorWidth } from '../layout/index.js';
import { dtypeBytes } from '../ir/dtype.js';
import { DYNAMIC_LANE_BOUND, type Access, type IrTensor, type Kernel, type Section } from '../ir/kernel.js';

export interface VectorChoice {
  readonly vector: number;
  /** Alignment in bytes that each tensor's pointer needs. */
  readonly align: ReadonlyMap<string, number>;
}

/**
 * The widest legal vector: bytes of the widest access over the smallest streamed element, as far as the layouts of all
 * tensors allow. An element larger than that is moved by several accesses of full width. Where only narrow vectors divide
 * the row and its strides allow wider ones, the row ends inside a vector, whose elements are then moved one by one.
 */
export function chooseVector(kernel: Kernel, section: Section, arch: Architecture): VectorChoice {
  const lane = section.axes.find((info) => info.role === 'lane');
  const accesses = unitStrideAccesses(section, lane?.axis);
  const extent = lane?.extent === 'dynamic' ? DYNAMIC_LANE_BOUND : (lane?.extent ?? 1);
  const streamed = accesses.filter(({ tensor }) => !tensorOf(kernel, tensor).weight);
  const smallest = Math.min(
    ...(streamed.length > 0 ? streamed : accesses).map(({ tensor }) =>
      dtypeBytes(tensorOf(kernel, tensor).dtype),
    ),
  );
  // Values are computed in f32: more than 16 of them at once cost registers and gain nothing.
  const widest = accesses.length === 0 ? 1 : Math.min(arch.maxVectorBits / 8 / smallest, 16);
  const legal = (vector: number): boolean =>
    accesses.every(
      (access) =>
        legalWidth(kernel, access, Math.ceil(extent / vector) * vector, arch) >=
        Math.min(vector, fullWidth(kernel, access, arch)),
    );
  const exact = largestPowerOfTwo(widest, (vector) => extent % vector === 0 && legal(vector));
  // A row that ends inside a vector pays for its end: worth it where vectors that divide it are narrow.
  const lanes = section.axes.filter((info) => info.role === 'lane').length;
  const wide = lanes === 1 ? largestPowerOfTwo(Math.min(widest, extent), legal) : exact;
  const vector = wide > 2 * exact ? wide : exact;
  return {
    vector,
    align: new Map(accesses.map((access) => [access.tensor, alignment(kernel, access, vector, arch)])),
  };
}

function largestPowerOfTwo(limit: number, legal: (width: number) => boolean): number {
  let width = 1;
  while (width * 2 <= limit && legal(width * 2)) width *= 2;
  return width;
}

function unitStrideAccesses(section: Section, axis: string | undefined): readonly Access[] {
  const all = [
    ...section.values.flatMap((value) => (value.kind === 'load' ? [value.access] : [])),
    ...section.stores.map((store) => store.access),
  ];
  return all.filter(({ terms }) =>
    terms.some(
      (term) =>
        term.kind === 'axis' &&
        term.axis === axis &&
        term.stride.factor === 1 &&
        term.stride.symbols.length === 0,
    ),
  );
}

export function tensorOf(kernel: Kernel, name: string): IrTensor {
  return kernel.tensors.find((tensor) => tensor.name === name)!;
}

const fullWidth = (kernel: Kernel, access: Access, arch: Architecture): number =>
  arch.maxVectorBits / 8 / dtypeBytes(tensorOf(kernel, access.tensor).dtype);

/** Widest aligned access along the contiguous axis; strides given at launch are promised to be multiples of it. */
function legalWidth(kernel: Kernel, access: Access, extent: number, arch: Architecture): number {
  const tensor = tensorOf(kernel, access.tensor);
  const steps = access.terms
    .map(({ stride }) => stride)
    .filter(({ factor, symbols }) => factor !== 0 && (factor !== 1 || symbols.length > 0))
    .filter(({ symbols }) => !symbols.some((symbol) => isStrideScalar(kernel, symbol)));
  const layout = makeLayout([extent, ...steps.map(() => 2)], [1, ...steps.map(({ factor }) => factor)]);
  return maxVectorWidth(layout, 0, {
    elementBits: 8 * dtypeBytes(tensor.dtype),
    alignBytes: tensor.align || arch.maxVectorBits / 8,
    maxAccessBits: arch.maxVectorBits,
  });
}

function isStrideScalar(kernel: Kernel, name: string): boolean {
  return kernel.scalars.some((scalar) => scalar.name === name && scalar.source.kind === 'stride');
}

function alignment(kernel: Kernel, access: Access, vector: number, arch: Architecture): number {
  const bytes = dtypeBytes(tensorOf(kernel, access.tensor).dtype);
  return Math.min(vector * bytes, arch.maxVectorBits / 8);
}
