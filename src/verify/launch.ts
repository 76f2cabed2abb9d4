/** A problem -> memory, one launch in the simulator, and what it left there. */

import { evaluateExpr, evaluateGrid, type ParamEntry, type VariantEntry } from '../device/index.js';
import type { BoundKernel, BoundTensor } from '../spec/index.js';
import {
  simulate,
  SimMemory,
  type Allocation,
  type LaunchOptions,
  type Profile,
  type SimKernel,
  type SimReport,
} from '../sim/index.js';
import { entryStrides, isWeight, layoutOf, offsetsOf, type TensorLayout } from './layout.js';
import { bytesOf, codecOf } from './storage.js';
import type { Problem } from './types.js';

/** What an output tensor holds after a launch. */
export interface Output {
  readonly tensor: BoundTensor;
  readonly layout: TensorLayout;
  /** Row-major, as the reference has it. */
  readonly values: Float64Array;
  /** 1 for elements all of whose bytes the kernel wrote; of an `inout` tensor, for those that it wrote at all. */
  readonly written: Uint8Array;
  /** Byte offset of the first byte that was written between the elements, where there are gaps. */
  readonly strayByte?: number;
  readonly bytes: Uint8Array;
  readonly offsets: Float64Array;
}

export interface LaunchOutcome {
  readonly outputs: readonly Output[];
  readonly reports: readonly SimReport[];
}

export interface RunOptions {
  readonly checks?: LaunchOptions['checks'];
  readonly limits?: LaunchOptions['limits'];
  readonly multiprocessors?: number;
  readonly profile?: boolean;
  /** Called with what a launch is given, so that the same can be run on a device. */
  readonly onLaunch?: (launch: PreparedLaunch) => void;
  /** Called when the launch is over, before outputs are read. */
  readonly onDone?: () => void;
}

/** A launch as a device is given it. */
export interface PreparedLaunch {
  readonly grid: readonly [number, number, number];
  /** The parameter buffer; pointers are the simulator's. */
  readonly parameters: Uint8Array;
  /** What each tensor's memory holds before; of an output it is not initialised. */
  readonly before: ReadonlyMap<string, Uint8Array>;
}

/** Byte between the elements of tensors that the kernel may write. */
const GAP = 0xa5;

export class Launcher {
  private readonly memory = new SimMemory();

  constructor(
    private readonly bound: BoundKernel,
    private readonly variant: VariantEntry,
    readonly kernel: SimKernel,
  ) {}

  /** @throws SIM_LIMIT */
  run(problem: Problem, options: RunOptions = {}): LaunchOutcome & { readonly profile?: Profile } {
    const { memory, variant, bound } = this;
    const multiprocessors = options.multiprocessors ?? 132;
    const buffers = new Map<string, { allocation: Allocation; layout: TensorLayout; before: Uint8Array }>();
    try {
      for (const tensor of bound.tensors) {
        const layout = layoutOf(tensor, variant, problem.extents);
        buffers.set(tensor.name, { layout, ...this.place(tensor, layout, problem) });
      }
      const grid = evaluateGrid(variant.launch, { dims: problem.extents, smCount: multiprocessors });
      let reports: readonly SimReport[] = [];
      let profile: Profile | undefined;
      if (grid) {
        const parameters = this.parameters(problem, buffers, multiprocessors);
        const before = new Map([...buffers].map(([name, buffer]) => [name, buffer.before] as const));
        options.onLaunch?.({ grid, parameters, before });
        const pending = bound.tensors.filter((tensor) => !isWeight(tensor));
        const result = simulate(this.kernel, {
          grid,
          block: variant.launch.block,
          cluster: variant.launch.cluster,
          dynamicSharedBytes: variant.launch.sharedMemoryBytes,
          parameters,
          memory,
          multiprocessors,
          ...(variant.launch.pdl && { pending: pending.map(({ name }) => buffers.get(name)!.allocation) }),
          ...(options.checks !== undefined && { checks: options.checks }),
          ...(options.limits && { limits: options.limits }),
          ...(options.profile && { profile: true }),
        });
        options.onDone?.();
        reports = result.reports;
        profile = result.profile;
      }
      const outputs = bound.tensors
        .filter((tensor) => tensor.access !== 'in')
        .map((tensor) => this.output(tensor, buffers.get(tensor.name)!));
      return { outputs, reports, ...(profile !== undefined && { profile }) };
    } finally {
      for (const { allocation } of buffers.values()) memory.free(allocation);
    }
  }

  private place(tensor: BoundTensor, layout: TensorLayout, problem: Problem) {
    const size = bytesOf(tensor.dtype);
    const bytes = Math.max(1, layout.span * size);
    const allocation = this.memory.alloc(bytes, {
      name: tensor.name,
      readonly: tensor.access === 'in',
      tensor: { dtype: tensor.dtype, bytes: size, shape: layout.shape, strides: layout.strides },
    });
    const before = new Uint8Array(bytes);
    if (tensor.access === 'out') return { allocation, before };
    if (tensor.access === 'inout') before.fill(GAP);
    const view = new DataView(before.buffer);
    const codec = codecOf(tensor.dtype);
    const offsets = offsetsOf(layout);
    const values = problem.inputs.get(tensor.name)!;
    for (let i = 0; i < offsets.length; i++) codec.write(view, offsets[i]! * size, values[i]!);
    if (tensor.access === 'inout' || layout.span === offsets.length) {
      this.memory.write(allocation, before);
    } else {
      // Gaps of an input stay uninitialised: reading one is a fault.
      for (let i = 0; i < offsets.length; i++) {
        const at = offsets[i]! * size;
        this.memory.write(allocation, before.subarray(at, at + size), at);
      }
    }
    return { allocation, before };
  }

  private parameters(
    problem: Problem,
    buffers: ReadonlyMap<string, { allocation: Allocation; layout: TensorLayout }>,
    smCount: number,
  ): Uint8Array {
    const { params } = this.variant;
    const last = params.at(-1);
    const buffer = new Uint8Array(last ? last.offset + last.size : 0);
    const view = new DataView(buffer.buffer);
    for (const param of params) {
      if (param.source.kind === 'tensor') {
        view.setBigUint64(param.offset, buffers.get(param.source.tensor)!.allocation.address, true);
      } else if (param.source.kind !== 'zero') {
        writeNumber(view, param, this.numberOf(param, problem, buffers, smCount));
      }
    }
    return buffer;
  }

  private numberOf(
    { source }: ParamEntry,
    problem: Problem,
    buffers: ReadonlyMap<string, { layout: TensorLayout }>,
    smCount: number,
  ): number {
    switch (source.kind) {
      case 'dim':
        return problem.extents[source.dim]!;
      case 'stride': {
        const tensor = this.bound.tensors.find(({ name }) => name === source.tensor)!;
        return entryStrides(tensor, buffers.get(source.tensor)!.layout)[source.axis]!;
      }
      case 'scalar':
        return problem.params[source.name]!;
      case 'expr':
        return evaluateExpr(source.expr, { dims: problem.extents, smCount });
      default:
        throw new Error(`a ${source.kind} is no number`);
    }
  }

  private output(
    tensor: BoundTensor,
    { allocation, layout, before }: { allocation: Allocation; layout: TensorLayout; before: Uint8Array },
  ): Output {
    const size = bytesOf(tensor.dtype);
    const offsets = offsetsOf(layout);
    const bytes = this.memory.read(allocation);
    const view = new DataView(bytes.buffer);
    const codec = codecOf(tensor.dtype);
    const values = Float64Array.from(offsets, (offset) => codec.read(view, offset * size));
    const touched =
      tensor.access === 'out' ? initialisedBytes(allocation) : rewrittenBytes(allocation, bytes, before);
    const written = new Uint8Array(offsets.length);
    for (let i = 0; i < offsets.length; i++) {
      const at = offsets[i]! * size;
      let count = 0;
      for (let b = 0; b < size; b++) count += touched[at + b]!;
      written[i] = tensor.access === 'out' ? (count === size ? 1 : 0) : count > 0 ? 1 : 0;
      touched.fill(0, at, at + size);
    }
    const stray = offsets.length === 0 ? -1 : touched.indexOf(1);
    return {
      tensor,
      layout,
      values,
      written,
      bytes,
      offsets,
      ...(stray >= 0 && { strayByte: stray }),
    };
  }
}

/** 1 for each byte that was written since the buffer was made. */
function initialisedBytes(allocation: Allocation): Uint8Array {
  return flagged(allocation, ({ init }, at) => init?.[at] !== 0);
}

/** 1 for each byte that the launch stored to, where stores are watched, and for each that has changed. */
function rewrittenBytes(allocation: Allocation, after: Uint8Array, before: Uint8Array): Uint8Array {
  const { granule } = allocation;
  const stored = flagged(allocation, ({ writers }, at) => (writers?.[Math.floor(at / granule)] ?? 0) !== 0);
  return stored.map((flag, i) => (flag === 1 || after[i] !== before[i] ? 1 : 0));
}

function flagged(
  allocation: Allocation,
  holds: (segment: ReturnType<Allocation['piece']>['segment'], at: number) => boolean,
): Uint8Array {
  const flags = new Uint8Array(allocation.bytes);
  for (let done = 0; done < allocation.bytes;) {
    const { segment, at, left } = allocation.piece(done);
    const count = Math.min(left, allocation.bytes - done);
    for (let i = 0; i < count; i++) flags[done + i] = holds(segment, at + i) ? 1 : 0;
    done += count;
  }
  return flags;
}

function writeNumber(view: DataView, { kind, offset }: ParamEntry, value: number): void {
  switch (kind) {
    case 'f32':
      return view.setFloat32(offset, value, true);
    case 'f64':
      return view.setFloat64(offset, value, true);
    case 'i64':
    case 'u64':
      return view.setBigInt64(offset, BigInt(value), true);
    case 'i32':
    case 'u32':
      return view.setInt32(offset, value, true);
    default:
      throw new Error(`a ${kind} is no number`);
  }
}
