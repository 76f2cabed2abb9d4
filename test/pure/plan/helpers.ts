/** What the planner's tests share. */

import { loadSpecs, type KernelSpec } from '../../../src/spec/index.js';
import { parseModel, plan, type Model, type Plan, type PlanOptions } from '../../../src/plan/index.js';
import { SourceText } from '../../../src/spec/source-text.js';
import { RoseError } from '../../../src/util/errors.js';
import { packagePath } from '../../../src/util/package-root.js';

/** Published configs of models that the library does not carry. */
export const CONFIGS = packagePath('test/pure/plan/configs');

let specs: Promise<readonly KernelSpec[]> | undefined;

export function librarySpecs(): Promise<readonly KernelSpec[]> {
  specs ??= loadSpecs(packagePath('specs')).then((byName) => [...byName.values()]);
  return specs;
}

export async function planFor(model: Model, options: Partial<PlanOptions> = {}): Promise<Plan> {
  return plan({ archs: ['sm90'], specs: await librarySpecs(), ...options, model });
}

export function modelOf(config: unknown, name = 'test'): Promise<Model> {
  const text = typeof config === 'string' ? config : JSON.stringify(config, null, 2);
  return parseModel({ name, source: new SourceText('config.json', text) });
}

/** The RoseError that `run` raises; anything else fails the test. */
export async function roseError(run: () => unknown): Promise<RoseError> {
  try {
    await run();
  } catch (error) {
    if (error instanceof RoseError) return error;
    throw error;
  }
  throw new Error('nothing was raised');
}

/** A small Qwen3, as a config. */
export const SMALL = {
  model_type: 'qwen3',
  hidden_size: 256,
  intermediate_size: 512,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  num_key_value_heads: 2,
  head_dim: 64,
  torch_dtype: 'bfloat16',
};
