/**
 * One tensor of a variant against the argument of a call: dtype, shape, strides, alignment, buffer.
 *
 * Nothing here allocates unless something is wrong: it runs before every launch.
 */

import type { LaunchExpr, LaunchValues } from '../../device/launch-expr.js';
import { evaluateExpr, exprDims, printExpr } from '../../device/launch-expr.js';
import type { Tensor } from '../../device/launcher.js';
import type { TensorEntry, VariantEntry } from '../../device/manifest.js';
import { dtypeBytes } from '../dtype.js';
import type { RuntimeDevice } from '../runtime-device.js';
import { DeviceTensor } from '../tensor.js';
import { guardRefusal, shapeRefusal, type Refusal } from './refusal.js';

/** Dims and strides of a call, filled in while its arguments are looked at. */
export interface CallValues extends LaunchValues {
  readonly dims: Record<string, number>;
  readonly strides: Readonly<Record<string, number[]>>;
  readonly smCount: number;
}

/** What an axis of the variant asks of the argument's extent. */
type Axis =
  | { readonly kind: 'bind'; readonly dim: string }
  | { readonly kind: 'equal'; readonly value: number }
  | { readonly kind: 'check'; readonly expr: LaunchExpr };

/** What it asks of the stride. */
type StrideRule =
  | { readonly kind: 'free' }
  | { readonly kind: 'equal'; readonly value: number }
  | { readonly kind: 'check'; readonly expr: LaunchExpr };

/** A merged axis is a product of dims, of which a static one is a number here: another variant may have another. */
const mayHoldStatic = (expr: LaunchExpr): boolean => expr.kind === 'binary' && expr.op === 'mul';

const NOT_FREED = 'keep the tensor until its last launch is done';

export class TensorGuard {
  readonly name: string;
  readonly #dtype: string;
  readonly #bytes: number;
  readonly #alignment: number;
  readonly #axes: readonly Axis[];
  readonly #strides: readonly StrideRule[];

  /** @param bound dims and the tensors that give them; extended by those that this one gives */
  constructor(
    private readonly entry: TensorEntry,
    variant: VariantEntry,
    private readonly bound: Map<string, string>,
  ) {
    this.name = entry.name;
    this.#dtype = entry.dtype;
    this.#bytes = dtypeBytes(entry.dtype);
    this.#alignment = variant.guards.reduce(
      (most, guard) =>
        guard.kind === 'alignment' && guard.tensor === entry.name ? Math.max(most, guard.bytes) : most,
      entry.alignment,
    );
    this.#axes = entry.shape.map((expr): Axis => {
      if (expr.kind === 'const') return { kind: 'equal', value: expr.value };
      if (expr.kind !== 'dim') return { kind: 'check', expr };
      const extent = variant.dims[expr.name];
      if (typeof extent === 'number') return { kind: 'equal', value: extent };
      if (bound.has(expr.name)) return { kind: 'check', expr };
      bound.set(expr.name, entry.name);
      return { kind: 'bind', dim: expr.name };
    });
    this.#strides = entry.strides.map((expr, axis): StrideRule => {
      if (expr.kind === 'const') return { kind: 'equal', value: expr.value };
      const own = expr.kind === 'stride' && expr.tensor === entry.name && expr.axis === axis;
      return own ? { kind: 'free' } : { kind: 'check', expr };
    });
  }

  /** The dims that this tensor gives. */
  bindDims(tensor: Tensor<string>, values: CallValues): Refusal | undefined {
    if (tensor.dtype !== this.#dtype) {
      return guardRefusal(
        `the tensor ${this.name} has the wrong dtype`,
        tensor.dtype,
        this.#dtype,
        'pass a tensor of this dtype, or call the binding made for that one',
      );
    }
    const { shape } = tensor;
    const axes = this.#axes;
    if (shape.length !== axes.length) return this.#noShape(tensor);
    for (let i = 0; i < axes.length; i++) {
      const axis = axes[i]!;
      const extent = shape[i]!;
      if (!Number.isSafeInteger(extent) || extent < 0) return this.#noShape(tensor);
      if (axis.kind === 'bind') values.dims[axis.dim] = extent;
      else if (axis.kind === 'equal' && extent !== axis.value) return this.#wrongShape(tensor);
    }
    return undefined;
  }

  /** Everything else; all dims are known. */
  check(tensor: Tensor<string>, values: CallValues, device: RuntimeDevice): Refusal | undefined {
    const { shape, strides } = tensor;
    if (strides && strides.length !== shape.length) return this.#wrongStride(tensor, 0, shape.length);
    const own = values.strides[this.name]!;
    /** Elements from the first to the one after the last. */
    let span = 1;
    let contiguous = 1;
    let empty = false;
    for (let i = shape.length - 1; i >= 0; i--) {
      const axis = this.#axes[i]!;
      const extent = shape[i]!;
      if (axis.kind === 'check') {
        const expected = evaluateExpr(axis.expr, values);
        if (expected !== extent) {
          return mayHoldStatic(axis.expr)
            ? this.#wrongShape(tensor)
            : this.#contradiction(tensor, i, axis.expr, expected, values);
        }
      }
      const stride = strides ? strides[i]! : contiguous;
      if (!Number.isSafeInteger(stride) || stride < 0) return this.#wrongStride(tensor, i, 0);
      own[i] = stride;
      const rule = this.#strides[i]!;
      empty ||= extent === 0;
      if (rule.kind !== 'free' && extent > 1 && !empty) {
        const expected = rule.kind === 'equal' ? rule.value : evaluateExpr(rule.expr, values);
        if (stride !== expected) return this.#wrongStride(tensor, i, expected);
      }
      span += (extent - 1) * stride;
      contiguous *= extent;
    }
    return this.#checkMemory(tensor, empty ? 0 : span * this.#bytes, device);
  }

  #checkMemory(tensor: Tensor<string>, bytes: number, device: RuntimeDevice): Refusal | undefined {
    const at = tensor instanceof DeviceTensor ? tensor.at : Number(tensor.address);
    if (at % this.#alignment !== 0) {
      return guardRefusal(
        `the tensor ${this.name} is misaligned`,
        `address 0x${tensor.address.toString(16)}, aligned to ${at & -at} bytes`,
        `aligned to ${this.#alignment} bytes`,
        'allocate the tensor by itself, or start the view at a multiple of the alignment',
      );
    }
    if (bytes === 0) return undefined;
    if (tensor instanceof DeviceTensor) {
      const { buffer } = tensor;
      if (buffer.table !== device.buffers) return this.#foreign(tensor, 'memory of another device');
      if (!buffer.live) {
        return guardRefusal(`the tensor ${this.name} was freed`, buffer.what, 'live memory', NOT_FREED);
      }
      if (device.capturing) device.noteUse(buffer.slot, buffer.generation);
      return at + bytes > buffer.at + buffer.bytes
        ? this.#tooSmall(bytes, buffer.at + buffer.bytes - at)
        : undefined;
    }
    const slot = device.buffers.find(at);
    if (!slot) return this.#foreign(tensor, 'an address that lies in no buffer');
    if (device.capturing) device.noteUse(slot.index, slot.generation);
    return at + bytes > slot.at + slot.bytes ? this.#tooSmall(bytes, slot.at + slot.bytes - at) : undefined;
  }

  get #shape(): string {
    return `(${this.entry.shape.map((expr) => printExpr(expr)).join(', ')})`;
  }

  /** A static extent, which another variant may have. */
  #wrongShape({ shape }: Tensor<string>): Refusal {
    return shapeRefusal(`the tensor ${this.name} has another shape`, `(${shape.join(', ')})`, this.#shape);
  }

  /** A shape that no variant of the kernel takes. */
  #noShape({ shape }: Tensor<string>): Refusal {
    return guardRefusal(
      `the tensor ${this.name} has no shape of ${this.#axes.length} axes`,
      `(${shape.join(', ')})`,
      this.#shape,
      'pass a tensor with these axes, each a whole number of elements',
    );
  }

  /** An axis whose extent follows from dims that the call itself gives. */
  #contradiction(
    { shape }: Tensor<string>,
    axis: number,
    expr: LaunchExpr,
    expected: number,
    { dims }: CallValues,
  ): Refusal {
    const names = exprDims(expr);
    const givers = [...new Set(names.map((dim) => this.bound.get(dim) ?? `the argument ${dim}`))];
    const given = names.map((dim) => `${dim} = ${dims[dim]} by ${this.bound.get(dim) ?? 'argument'}`);
    const rule = expr.kind === 'dim' ? `${expr.name}` : `${printExpr(expr)} = ${expected}`;
    return guardRefusal(
      `${this.name} and ${givers.join(', ')} contradict each other`,
      `${this.name} (${shape.join(', ')}) has ${shape[axis]} elements along axis ${axis}, ${given.join(', ')}`,
      `${expected} elements along axis ${axis} of ${this.name}: ${rule}`,
      `pass tensors that agree in ${names.join(', ')}`,
    );
  }

  #wrongStride({ shape, strides }: Tensor<string>, axis: number, expected: number): Refusal {
    return guardRefusal(
      `the tensor ${this.name} has another stride in axis ${axis}`,
      strides ? `strides (${strides.join(', ')})` : `a contiguous (${shape.join(', ')})`,
      `a stride of ${expected} elements`,
      'pass a tensor with these strides, or a contiguous copy',
    );
  }

  #tooSmall(need: number, have: number): Refusal {
    return guardRefusal(
      `the buffer of the tensor ${this.name} is too small`,
      `${have} bytes from the tensor's address on`,
      `${need} bytes`,
      'allocate more, or pass a smaller shape',
    );
  }

  #foreign({ address }: Tensor<string>, what: string): Refusal {
    return guardRefusal(
      `the tensor ${this.name} is not in memory of this device`,
      `0x${address.toString(16)}, ${what}`,
      'memory that this device allocated or wrapped, and that is not freed',
      'allocate it on this device, or wrap the address first',
    );
  }
}
