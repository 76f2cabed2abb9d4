/**
 * A checkpoint's `quantization_config` -> how the inputs of its quantised matrix products are quantised while serving.
 *
 * Formats read: `fp8` (with `weight_block_size`: a scale for each 128 elements of a row) and `compressed-tensors` (a
 * dynamic scale a token, fp8 or int8; or a group of 128). Weight-only formats leave activations as they are. Scales
 * fixed ahead of time and other formats are no kernel of this library's: they come back as a gap.
 */

import { configField, type ModelConfig } from './model.js';
import { plainValue, type JsonTree, type JsonValue } from './json-tree.js';

export type Quant = 'none' | 'fp8' | 'fp8_block' | 'int8';

export interface Quantisation {
  readonly quant: Quant;
  /** Why the checkpoint's own scheme is not covered, where it is not. */
  readonly gap?: string;
}

const WEIGHT_ONLY = ['awq', 'gptq', 'bitsandbytes', 'auto-round', 'auto_round', 'mxfp4', 'hqq', 'aqlm'];

export function readQuantisation(config: ModelConfig): Quantisation {
  const given = configField(config, 'quantization_config');
  if (given?.kind !== 'object') return { quant: 'none' };
  const method = text(given.fields.get('quant_method'))?.toLowerCase() ?? '';
  if (method === 'fp8') return readFp8(given);
  if (method === 'compressed-tensors' || method === 'compressed_tensors') return readCompressedTensors(given);
  if (WEIGHT_ONLY.includes(method)) return { quant: 'none' };
  return uncovered(`the checkpoint's quantisation ${JSON.stringify(method)} is not known`);
}

function readFp8(given: JsonTree & { kind: 'object' }): Quantisation {
  const block = given.fields.get('weight_block_size');
  if (block !== undefined && plainValue(block) !== null) {
    const [rows, columns] = list(block);
    if (rows === 128 && columns === 128) return { quant: 'fp8_block' };
    return uncovered(`fp8 blocks of ${JSON.stringify(plainValue(block))} where 128 x 128 are covered`);
  }
  return text(given.fields.get('activation_scheme')) === 'static'
    ? uncovered('fp8 activations with a scale fixed ahead of time')
    : { quant: 'fp8' };
}

function readCompressedTensors(given: JsonTree & { kind: 'object' }): Quantisation {
  const groups = given.fields.get('config_groups');
  const schemes = (groups?.kind === 'object' ? [...groups.fields.values()] : []).flatMap((group) => {
    const inputs = group.kind === 'object' ? group.fields.get('input_activations') : undefined;
    return inputs?.kind === 'object' ? [activationScheme(inputs)] : [];
  });
  const first = schemes[0];
  if (!first) return { quant: 'none' };
  const mixed = schemes.some(({ quant }) => quant !== first.quant);
  return mixed ? uncovered('several quantisations of activations in one checkpoint') : first;
}

function activationScheme(inputs: JsonTree & { kind: 'object' }): Quantisation {
  const value = (name: string): JsonValue => {
    const field = inputs.fields.get(name);
    return field ? plainValue(field) : null;
  };
  const [type, bits, strategy] = [value('type'), value('num_bits'), value('strategy')];
  if (bits === 8 && value('dynamic') === true) {
    if (type === 'float' && strategy === 'token') return { quant: 'fp8' };
    if (type === 'float' && strategy === 'group' && value('group_size') === 128)
      return { quant: 'fp8_block' };
    if (type === 'int' && strategy === 'token') return { quant: 'int8' };
  }
  const how = value('dynamic') === true ? 'dynamic' : 'static';
  return uncovered(
    `${how} activations of ${String(bits)} bits (${String(type)}) with a scale a ${String(strategy)}`,
  );
}

function uncovered(gap: string): Quantisation {
  return { quant: 'none', gap };
}

function text(tree: JsonTree | undefined): string | undefined {
  return tree?.kind === 'scalar' && typeof tree.value === 'string' ? tree.value : undefined;
}

function list(tree: JsonTree): readonly JsonValue[] {
  return tree.kind === 'list' ? tree.items.map(plainValue) : [];
}
