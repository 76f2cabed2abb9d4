/** A model's config and what the user asked for -> the dtypes and the quantisation that it is served with. */

import { DTYPES } from '../spec/names.js';
import type { Dtype } from '../spec/types.js';
import { RoseError } from '../util/errors.js';
import { configField, configPlace, type Model } from './model.js';
import { readQuantisation, type Quant } from './quantisation.js';

export interface ServingTypes {
  /** Of activations and unquantised weights. */
  readonly dtype: Dtype;
  readonly kvDtype: Dtype;
  readonly quant: Quant;
  /** Tokens a page of the KV cache. */
  readonly page: number;
  /** Why the checkpoint's own quantisation is not covered, where it is not. */
  readonly gap?: string;
}

/** Absent: what the checkpoint says. A KV cache is of the model's dtype unless another is asked for. */
export interface ServingChoice {
  readonly dtype?: string;
  /** `fp8` is e4m3. An fp8 cache needs scales and costs accuracy: it is a choice, never a default. */
  readonly kvDtype?: string;
  /** `none`, `fp8` (a scale a token), `fp8-block` (a scale for each 128 elements) or `int8`. */
  readonly quant?: string;
  /** Tokens a page of the KV cache; absent: 16. */
  readonly pageSize?: number;
}

const CHECKPOINT_DTYPES: Readonly<Record<string, Dtype | 'f32'>> = {
  bfloat16: 'bf16',
  float16: 'f16',
  half: 'f16',
  float32: 'f32',
  float: 'f32',
  auto: 'f32',
};

const QUANTS: Readonly<Record<string, Quant>> = {
  none: 'none',
  fp8: 'fp8',
  'fp8-block': 'fp8_block',
  int8: 'int8',
};

/** Raises USAGE for an unknown choice, MODEL_CONFIG for a checkpoint dtype that is not known. */
export function servingTypes(model: Model, choice: ServingChoice): ServingTypes {
  const dtype =
    choice.dtype === undefined ? checkpointDtype(model) : chosen('dtype', choice.dtype, dtypeNames);
  const kvDtype =
    choice.kvDtype === undefined || choice.kvDtype === 'auto'
      ? dtype
      : chosen<Dtype>('kv-dtype', choice.kvDtype, { ...dtypeNames, fp8: 'e4m3' });
  const page = pageSize(choice.pageSize ?? 16);
  if (choice.quant !== undefined)
    return { dtype, kvDtype, page, quant: chosen('quant', choice.quant, QUANTS) };
  return { dtype, kvDtype, page, ...readQuantisation(model.config) };
}

/** Only the floats that a row of activations can be made of. */
const dtypeNames = Object.fromEntries(
  DTYPES.filter((dtype) => ['f32', 'bf16', 'f16', 'e4m3', 'e5m2'].includes(dtype)).map((dtype) => [
    dtype,
    dtype,
  ]),
) as Readonly<Record<string, Dtype>>;

/**
 * A float32 checkpoint is served in 16 bits: f16 where vectors are pooled (its finer mantissa keeps similarities
 * closer), bf16 otherwise (its range is that of the training).
 */
function checkpointDtype(model: Model): Dtype {
  const name = ['torch_dtype', 'dtype'].find((field) => configField(model.config, field));
  const tree = name === undefined ? undefined : configField(model.config, name);
  const given = tree?.kind === 'scalar' ? tree.value : tree && 'a structure';
  const dtype =
    given === undefined || given === null
      ? 'f32'
      : typeof given === 'string' && Object.hasOwn(CHECKPOINT_DTYPES, given.replace(/^torch\./, ''))
        ? CHECKPOINT_DTYPES[given.replace(/^torch\./, '')]!
        : undefined;
  if (dtype === 'f32') return model.pooling ? 'f16' : 'bf16';
  if (dtype !== undefined) return dtype;
  throw new RoseError({
    code: 'MODEL_CONFIG',
    message: `${name} is not a dtype that a checkpoint can be served in`,
    place: configPlace(model.config, name),
    actual: JSON.stringify(given),
    expected: 'bfloat16, float16 or float32',
    next: 'mend the field, or choose the dtype with --dtype',
  });
}

function pageSize(tokens: number): number {
  if (Number.isInteger(tokens) && tokens >= 1 && tokens <= 4096) return tokens;
  throw new RoseError({
    code: 'USAGE',
    message: 'a page of the KV cache cannot have this size',
    actual: String(tokens),
    expected: 'a whole number of tokens from 1 to 4096',
    next: 'choose another with --page-size',
  });
}

function chosen<T>(option: string, value: string, choices: Readonly<Record<string, T>>): T {
  if (Object.hasOwn(choices, value)) return choices[value]!;
  throw new RoseError({
    code: 'USAGE',
    message: `--${option} cannot be ${JSON.stringify(value)}`,
    actual: value,
    expected: `one of ${Object.keys(choices).join(', ')}`,
    next: `choose one of these with --${option}`,
  });
}
