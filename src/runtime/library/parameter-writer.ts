/** Values of a call -> the parameter buffer, at the offsets that the manifest took from the cubin. */

import { evaluateExpr } from '../../device/launch-expr.js';
import type { Tensor } from '../../device/launcher.js';
import type { ParamEntry } from '../../device/manifest.js';
import { writeAddress } from '../driver/cuda-driver.js';
import { DeviceTensor } from '../tensor.js';
import { guardRefusal, type Refusal } from './refusal.js';
import type { CallValues } from './tensor-guard.js';

export type CallArguments = Readonly<Record<string, Tensor<string> | number>>;

/** Smallest and largest whole number of a kind, where it is an integer of at most 32 bits. */
const RANGES: Readonly<Partial<Record<ParamEntry['kind'], readonly [number, number]>>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  u32: [0, 2 ** 32 - 1],
};

/** Undefined where every scalar was given and fits. */
export function checkScalars(params: readonly ParamEntry[], args: CallArguments): Refusal | undefined {
  for (let i = 0; i < params.length; i++) {
    const { source, kind } = params[i]!;
    if (source.kind !== 'scalar') continue;
    const value = args[source.name];
    if (typeof value !== 'number') {
      return guardRefusal(
        `the parameter ${source.name} is missing`,
        typeof value === 'object' ? 'a tensor' : 'nothing',
        `a number (${kind})`,
        'pass the number by this name',
      );
    }
    if (kind !== 'f32' && kind !== 'f64' && !fits(kind, value)) {
      return guardRefusal(
        `the parameter ${source.name} does not fit`,
        String(value),
        `a whole number of kind ${kind}`,
        'pass a number that fits',
      );
    }
  }
  return undefined;
}

function fits(kind: ParamEntry['kind'], value: number): boolean {
  const range = RANGES[kind];
  if (!Number.isSafeInteger(value)) return false;
  return range ? value >= range[0] && value <= range[1] : kind !== 'u64' || value >= 0;
}

export function writeParameters(
  view: DataView,
  params: readonly ParamEntry[],
  args: CallArguments,
  values: CallValues,
): void {
  for (let i = 0; i < params.length; i++) {
    const param = params[i]!;
    const { source } = param;
    switch (source.kind) {
      case 'tensor':
        writePointer(view, param.offset, args[source.tensor] as Tensor<string>);
        break;
      case 'dim':
        write(view, param, values.dims[source.dim]!);
        break;
      case 'stride':
        write(view, param, values.strides[source.tensor]![source.axis]!);
        break;
      case 'scalar':
        write(view, param, args[source.name] as number);
        break;
      case 'expr':
        write(view, param, evaluateExpr(source.expr, values));
        break;
      case 'zero':
        break;
      default:
        source satisfies never;
    }
  }
}

function writePointer(view: DataView, offset: number, tensor: Tensor<string>): void {
  if (tensor instanceof DeviceTensor) writeAddress(view, offset, tensor.at);
  else view.setBigUint64(offset, tensor.address, true);
}

function write(view: DataView, { kind, offset }: ParamEntry, value: number): void {
  switch (kind) {
    case 'f32':
      return view.setFloat32(offset, value, true);
    case 'f64':
      return view.setFloat64(offset, value, true);
    case 'i32':
    case 'u32':
      return view.setInt32(offset, value, true);
    case 'i64':
    case 'u64':
    case 'pointer':
      // Two's complement in halves: the upper one is the floor of the division.
      view.setUint32(offset, value >>> 0, true);
      return view.setInt32(offset + 4, Math.floor(value / 2 ** 32), true);
    case 'bytes':
      return;
    default:
      kind satisfies never;
  }
}
