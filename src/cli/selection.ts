/** Options that select variants, shared by the commands that plan: what they are called and what they give. */

import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Plan, PlanOptions, PlannedVariant } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';
import { RoseError, closest } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';

export interface SelectionOptions {
  readonly model: string;
  readonly arch: string;
  readonly phase?: string;
  readonly kernel?: readonly string[];
  readonly spec?: readonly string[];
  readonly quant?: string;
  readonly kvDtype?: string;
  readonly dtype?: string;
  readonly shard?: string;
  readonly dependentLaunch?: boolean;
}

export const DEFAULT_ARCHS = 'sm90,sm100';

export function addSelection(command: Command): Command {
  return command
    .requiredOption(
      '--model <name|path>',
      'a known model, a Hugging Face config.json or a folder that holds one',
    )
    .option('--arch <list>', 'architectures: sm80 sm86 sm89 sm90 sm100 sm103 sm120 sm121', DEFAULT_ARCHS)
    .option('--phase <list>', 'prefill, decode or both (default: both)')
    .option('--kernel <name...>', 'only these kernels')
    .option('--spec <file...>', 'further specs, beside the library; one of the same name takes its place')
    .option('--dtype <dtype>', 'activations and weights, instead of what the config says')
    .option('--kv-dtype <dtype>', 'elements of the KV cache')
    .option('--quant <form>', 'quantised activations: none, fp8 or fp8-block')
    .option('--no-dependent-launch', 'leave programmatic dependent launch out');
}

export interface Selection {
  readonly plan: Plan;
  readonly variants: readonly PlannedVariant[];
  readonly specs: ReadonlyMap<string, KernelSpec>;
}

/** Files that a selection reads; their bytes decide whether anything changed. */
export async function inputFiles(options: SelectionOptions): Promise<readonly string[]> {
  const specs = (await readdir(packagePath('specs'))).map((name) => join(packagePath('specs'), name));
  const recipes = (await readdir(packagePath('models/types'))).map((name) =>
    join(packagePath('models/types'), name),
  );
  const { modelFiles } = await import('../plan/model-files.js');
  return [...specs, ...recipes, ...(options.spec ?? []), ...(await modelFiles(options.model))];
}

export async function select(options: SelectionOptions): Promise<Selection> {
  const [{ loadModel, plan }, { loadSpec, loadSpecs }] = await Promise.all([
    import('../plan/index.js'),
    import('../spec/index.js'),
  ]);
  const specs = new Map(await loadSpecs(packagePath('specs')));
  const own = await Promise.all((options.spec ?? []).map(loadSpec));
  for (const spec of own) specs.set(spec.name, spec);
  const model = await loadModel(options.model);
  const made = plan({
    model,
    archs: split(options.arch),
    ...(options.phase !== undefined && { phases: split(options.phase) as PlanOptions['phases'] & {} }),
    specs: [...specs.values()],
    pdl: options.dependentLaunch ?? true,
    ...(options.dtype !== undefined && { dtype: options.dtype }),
    ...(options.kvDtype !== undefined && { kvDtype: options.kvDtype }),
    ...(options.quant !== undefined && { quant: options.quant }),
  } as PlanOptions);
  const chosen = await ofShard(made, options.shard);
  return { plan: made, variants: ofKernels(chosen, options.kernel, specs), specs };
}

export const split = (list: string): readonly string[] =>
  list
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

async function ofShard(plan: Plan, text: string | undefined): Promise<readonly PlannedVariant[]> {
  if (text === undefined) return plan.variants;
  const { selectShard, shard } = await import('../plan/index.js');
  const { index, count } = selectShard(text);
  return shard(plan, count, await recordedCosts())[index - 1]!;
}

/** Seconds each variant took when it was last compiled, as the repository records them. */
export async function recordedCosts(): Promise<ReadonlyMap<string, number>> {
  const { readCosts } = await import('../store/index.js');
  return readCosts(packagePath('generated/costs.json'));
}

function ofKernels(
  variants: readonly PlannedVariant[],
  kernels: readonly string[] | undefined,
  specs: ReadonlyMap<string, KernelSpec>,
): readonly PlannedVariant[] {
  if (!kernels) return variants;
  for (const kernel of kernels) {
    if (specs.has(kernel)) continue;
    const near = closest(kernel, specs.keys());
    throw new RoseError({
      code: 'VARIANT_UNKNOWN',
      message: `there is no kernel ${kernel}`,
      actual: kernel,
      expected: [...specs.keys()].join(', '),
      next: near === undefined ? 'name one of these' : `did you mean ${near}?`,
    });
  }
  return variants.filter((variant) => kernels.includes(variant.kernel));
}
