/** Options that select variants, shared by the commands that plan: what they are called and what they give. */

import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import type { Plan, PlannedVariant, PlanOptions } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';
import { RoseError, closest } from '../util/errors.js';
import { packagePath } from '../util/package-root.js';
import type { FormOptions } from './asked-form.js';
import { count, repeated, split, usage } from './options.js';

export interface SelectionOptions extends FormOptions {
  readonly model?: string;
  readonly arch?: string;
  readonly phase?: string;
  readonly kernel?: readonly string[];
  readonly spec?: readonly string[];
  readonly quant?: string;
  readonly kvDtype?: string;
  readonly dtype?: string;
  readonly pageSize?: string;
  readonly dependentLaunch?: boolean;
  /** Tuning files; `false`: none at all. */
  readonly tuning?: readonly string[] | false;
}

const DEFAULT_ARCHS = 'sm90,sm100';

export function addSelection(command: Command): Command {
  return command
    .option('--model <name|path>', 'a known model, a Hugging Face config.json or a folder that holds one')
    .option(
      '--arch <list>',
      `architectures: sm80, sm86, sm89, sm90, sm100, sm103, sm120, sm121 (default: ${DEFAULT_ARCHS})`,
    )
    .option('--phase <list>', 'prefill, decode or both (default: both)')
    .addOption(
      repeated(
        '--kernel <name>',
        'only this kernel of the library, whether the model names it or not; may be repeated',
      ),
    )
    .addOption(
      repeated('--spec <file>', 'a spec of your own beside the library, or in place of one; may be repeated'),
    )
    .addOption(
      repeated(
        '--dim <name=size>',
        'a static dimension of the kernels of --kernel, else --spec (default: as in the model); may be repeated',
      ),
    )
    .addOption(repeated('--flag <name=value>', 'a flag of theirs, true or false; may be repeated'))
    .addOption(repeated('--type <name=dtype>', 'the dtype of a type variable of theirs; may be repeated'))
    .option('--dtype <dtype>', 'activations and weights (default: what the config says)')
    .option('--kv-dtype <dtype>', 'elements of the KV cache: bf16, f16, fp8 (default: as --dtype)')
    .option(
      '--quant <form>',
      'quantised activations: none, fp8, fp8-block or int8 (default: what the config says)',
    )
    .option('--page-size <tokens>', 'tokens a page of the KV cache (default: 16)')
    .addOption(
      repeated(
        '--tuning <file>',
        'schedules measured by `rose-gen tune`, beside those that come along; may be repeated',
      ),
    )
    .option('--no-tuning', 'only the compiler’s own schedules')
    .option('--no-dependent-launch', 'leave programmatic dependent launch out');
}

export interface Selection {
  /** What the model needs; `variants` holds those of the chosen kernels only. */
  readonly plan: Plan;
  /** Every spec there is, by kernel name. */
  readonly specs: ReadonlyMap<string, KernelSpec>;
}

/** The architectures that the options name. */
export const archsOf = (options: SelectionOptions): readonly string[] => split(options.arch ?? DEFAULT_ARCHS);

/** The model that the options name. Raises USAGE where they name none. */
export function modelOf(options: SelectionOptions): string {
  if (options.model !== undefined) return options.model;
  throw usage(
    'no model is named',
    'no --model',
    'the name of a known model, or the path of a config.json',
    'add --model, for instance --model qwen3-8b',
  );
}

/** Files that a selection reads; their bytes decide whether anything changed. */
export async function inputFiles(options: SelectionOptions): Promise<readonly string[]> {
  const { modelFiles } = await import('../plan/model-files.js');
  const folders = ['specs', 'models/types'].map(packagePath);
  const library = await Promise.all(
    folders.map(async (folder) => (await readdir(folder)).map((name) => join(folder, name))),
  );
  const files = [
    ...library.flat(),
    ...(options.spec ?? []),
    ...(await tuningFiles(options)),
    ...(await modelFiles(modelOf(options))),
  ];
  // A spec that is not there is reported where it is read.
  const found = await Promise.all(files.map(isFile));
  return files.filter((_, i) => found[i]);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

/** Tuning files, those of the package first. */
async function tuningFiles({ tuning }: SelectionOptions): Promise<readonly string[]> {
  if (tuning === false) return [];
  const { packageTuningFiles } = await import('../plan/tuning.js');
  return [...(await packageTuningFiles()), ...(Array.isArray(tuning) ? tuning : [])];
}

/** The specs of --spec, by kernel. */
export async function ownSpecs(options: SelectionOptions): Promise<ReadonlyMap<string, KernelSpec>> {
  if (!options.spec) return new Map();
  const { loadSpec } = await import('../spec/index.js');
  const own = await Promise.all(options.spec.map(loadSpec));
  return new Map(own.map((spec) => [spec.name, spec] as const));
}

/** The library's specs, and those of --spec beside or in place of them. */
export async function readSpecs(options: SelectionOptions): Promise<{
  readonly specs: ReadonlyMap<string, KernelSpec>;
  readonly own: readonly KernelSpec[];
}> {
  const { loadSpecs } = await import('../spec/index.js');
  const library = await loadSpecs(packagePath('specs'));
  const own = await ownSpecs(options);
  return { specs: new Map([...library, ...own]), own: [...own.values()] };
}

export async function select(options: SelectionOptions): Promise<Selection> {
  const name = modelOf(options);
  const { specs, own } = await readSpecs(options);
  const { loadModel, plan } = await import('../plan/index.js');
  const pageSize = count('--page-size', options.pageSize);
  const whole = plan({
    model: await loadModel(name),
    archs: archsOf(options),
    specs: [...specs.values()],
    pdl: options.dependentLaunch ?? true,
    // `plan` refuses what is no phase.
    ...(options.phase !== undefined && {
      phases: split(options.phase) as NonNullable<PlanOptions['phases']>,
    }),
    ...(options.dtype !== undefined && { dtype: options.dtype }),
    ...(options.kvDtype !== undefined && { kvDtype: options.kvDtype }),
    ...(options.quant !== undefined && { quant: options.quant }),
    ...(pageSize !== undefined && { pageSize }),
  });
  const { askedForm } = await import('./asked-form.js');
  const { withAskedKernels } = await import('./asked-kernels.js');
  const asked = options.kernel?.map((kernel) => specOf(kernel, specs)) ?? own;
  const planned = withAskedKernels(whole, asked, askedForm(options, asked), options.dependentLaunch ?? true);
  const { readTuning, withTuning } = await import('../plan/index.js');
  const tuning = await Promise.all((await tuningFiles(options)).map(readTuning));
  return { plan: ofKernels(withTuning(planned, tuning, specs), options.kernel), specs };
}

/** The variants of a plan whose schedule no target can run, with the reason: found by rendering each. Slow-ish: ms each. */
export async function rejectionsOf({ plan, specs }: Selection): Promise<ReadonlyMap<string, string>> {
  const { isRejection, rejectionReason, renderVariant } = await import('../build/index.js');
  const rejections = new Map<string, string>();
  for (const variant of plan.variants) {
    try {
      renderVariant(variant, specs.get(variant.kernel)!);
    } catch (error) {
      if (!isRejection(error)) throw error;
      rejections.set(variant.id, rejectionReason(error));
    }
  }
  return rejections;
}

/** The selection with rejected variants among `unsupported`. */
export async function selectBuildable(options: SelectionOptions): Promise<Selection> {
  const selection = await select(options);
  const { withRejections } = await import('../plan/index.js');
  return { ...selection, plan: withRejections(selection.plan, await rejectionsOf(selection)) };
}

/** The i-th of n parts of a selection; all of it without `text`. */
export async function ofShard(plan: Plan, text: string | undefined): Promise<readonly PlannedVariant[]> {
  if (text === undefined) return plan.variants;
  const { selectShard, shard } = await import('../plan/index.js');
  const { index, count: shards } = selectShard(text);
  return shard(plan, shards, await recordedCosts())[index - 1]!;
}

/** Seconds each variant took when it was last compiled, as the repository records them. */
export const COSTS_FILE = packagePath('generated/costs.json');

export async function recordedCosts(): Promise<ReadonlyMap<string, number>> {
  const { readCosts } = await import('../store/index.js');
  return readCosts(COSTS_FILE);
}

/** Raises VARIANT_UNKNOWN. */
function specOf(kernel: string, specs: ReadonlyMap<string, KernelSpec>): KernelSpec {
  const spec = specs.get(kernel);
  if (spec) return spec;
  const near = closest(kernel, specs.keys());
  throw new RoseError({
    code: 'VARIANT_UNKNOWN',
    message: `there is no kernel ${kernel}`,
    actual: kernel,
    expected: [...specs.keys()].join(', '),
    next: near === undefined ? 'name one of these' : `did you mean ${near}?`,
  });
}

function ofKernels(plan: Plan, kernels: readonly string[] | undefined): Plan {
  if (!kernels) return plan;
  const chosen = ({ kernel }: PlannedVariant): boolean => kernels.includes(kernel);
  return { ...plan, variants: plan.variants.filter(chosen), unsupported: plan.unsupported.filter(chosen) };
}
