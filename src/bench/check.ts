/** What a variant writes for a workload, against the reference: the base element by element, the rest bit by bit. */

import type { BoundKernel } from '../spec/index.js';
import { DeviceTensor, type Library } from '../runtime/index.js';
import { compareOutput } from '../verify/compare.js';
import { formatFailure } from '../verify/format.js';
import type { Output } from '../verify/launch.js';
import { offsetsOf } from '../verify/layout.js';
import { evaluateReference } from '../verify/reference/index.js';
import { bytesOf, codecOf } from '../verify/storage.js';
import type { ReferenceOutput } from '../verify/types.js';
import { UNTOUCHED, type TensorSet } from './tensor-set.js';
import { firstDifference, type Workload, type WorkTensor } from './workload.js';

export interface CheckResult {
  /** Largest distance from the reference, in units of the last place. */
  readonly worstUlp: number;
  /** What is wrong; empty where nothing is. */
  readonly wrong: readonly string[];
}

/** Another byte that outputs hold before a launch. */
const OTHERWISE = 0x5a;

const isTouched = (bytes: Uint8Array, before: number, at: number, size: number): boolean =>
  bytes.subarray(at, at + size).some((byte) => byte !== before);

/** Launches the variant on the base, and looks at what one launch left in `set`. */
export function checkWorkload(
  library: Library,
  bound: BoundKernel,
  variant: string,
  workload: Workload,
  set: TensorSet,
): CheckResult {
  const references = evaluateReference(bound, workload.base);
  const tolerance = bound.spec.tolerance?.ulp ?? 1;
  const base = runBase(library, variant, workload, UNTOUCHED);
  // A result may have the very bits that memory held before: what another launch leaves over other bits tells.
  const again = runBase(library, variant, workload, OTHERWISE);
  const wrong: string[] = [];
  let worstUlp = 0;
  for (const tensor of workload.tensors.filter(({ entry }) => entry.access !== 'in')) {
    const reference = references.get(tensor.name)!;
    const bytes = base.get(tensor.name)!;
    const output = outputOf(tensor, bytes, again.get(tensor.name)!, reference);
    const compared = compareOutput(output, reference, tolerance);
    worstUlp = Math.max(worstUlp, compared.worstUlp);
    wrong.push(...compared.failures.map(formatFailure));
    const at = firstDifference(set.get(tensor.name)!.readBytes(), bytes, tensor.tiling);
    if (at !== undefined)
      wrong.push(`byte ${at} of ${tensor.name} is not what the same row gives in a launch of fewer rows`);
  }
  return { worstUlp, wrong };
}

/** What one launch on the base leaves, over outputs that hold `before` in every byte. */
function runBase(
  library: Library,
  variant: string,
  workload: Workload,
  before: number,
): ReadonlyMap<string, Uint8Array> {
  const { device } = library;
  const tensors = new Map<string, DeviceTensor>();
  try {
    for (const tensor of workload.tensors) {
      const { name, entry, base } = tensor;
      const mine = DeviceTensor.create(device, entry.dtype, base.shape, { name });
      tensors.set(name, mine);
      if (entry.access === 'out') device.fill(mine.buffer, before);
      else device.copyIn(mine.buffer, workload.baseContents(tensor));
    }
    const { extents, params } = workload.base;
    library.launchVariant(variant, { ...extents, ...params, ...Object.fromEntries(tensors) });
    return new Map([...tensors].map(([name, tensor]) => [name, tensor.readBytes()] as const));
  } finally {
    for (const tensor of tensors.values()) tensor.close();
  }
}

function outputOf(
  { bound, base: { layout } }: WorkTensor,
  bytes: Uint8Array,
  again: Uint8Array,
  reference: ReferenceOutput,
): Output {
  const offsets = offsetsOf(layout);
  const size = bytesOf(bound.dtype);
  const codec = codecOf(bound.dtype);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const values = Float64Array.from(offsets, (offset) => codec.read(view, offset * size));
  // Of an output that is changed in place nothing tells whether it was written.
  const written =
    bound.access === 'inout'
      ? reference.written
      : Uint8Array.from(offsets, (offset) =>
          isTouched(bytes, UNTOUCHED, offset * size, size) || isTouched(again, OTHERWISE, offset * size, size)
            ? 1
            : 0,
        );
  return { tensor: bound, layout, values, written, bytes, offsets };
}
