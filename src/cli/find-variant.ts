/** The id of a variant -> the variant and its spec, from the plan of the model that the options name or of any known one. */

import { ARCHITECTURES } from '../device/arch.js';
import { knownModels, type PlannedVariant } from '../plan/index.js';
import type { KernelSpec } from '../spec/index.js';
import { RoseError, closest } from '../util/errors.js';
import { select, type SelectionOptions } from './selection.js';

export interface FoundVariant {
  readonly variant: PlannedVariant;
  readonly spec: KernelSpec;
  readonly specs: ReadonlyMap<string, KernelSpec>;
}

/** Raises VARIANT_UNKNOWN with the closest id, or TARGET_UNSUPPORTED for one that its architecture cannot run. */
export async function findVariant(id: string, options: SelectionOptions): Promise<FoundVariant> {
  const models = options.model === undefined ? await knownModels() : [options.model];
  const seen: string[] = [];
  for (const model of models) {
    const { plan, specs } = await select({ ...options, ...fromId(id, options), model });
    const variant = plan.variants.find((each) => each.id === id);
    if (variant) return { variant, spec: specs.get(variant.kernel)!, specs };
    const unsupported = plan.unsupported.find((each) => each.id === id);
    if (unsupported) throw cannotRun(unsupported.id, unsupported.because);
    seen.push(...plan.variants.map((each) => each.id));
  }
  const near = closest(id, seen);
  const where = options.model === undefined ? 'no known model needs' : `the plan of ${options.model} has no`;
  throw new RoseError({
    code: 'VARIANT_UNKNOWN',
    message: `${where} variant ${id}`,
    actual: id,
    expected: `one of ${seen.length} variants that a plan lists`,
    next:
      near === undefined
        ? `run \`rose-gen plan --model ${options.model ?? 'MODEL'}\` for their names, with the options they were planned with`
        : `did you mean ${near}?`,
  });
}

/** An id says its architecture, and whether dependent launch is off. */
function fromId(id: string, options: SelectionOptions): SelectionOptions {
  const parts = id.split('.');
  const arch = options.arch ?? ARCHITECTURES.find(({ name }) => parts.includes(name))?.name;
  const dependentLaunch = options.dependentLaunch !== false && !parts.includes('no-pdl');
  return { ...(arch !== undefined && { arch }), dependentLaunch };
}

function cannotRun(id: string, because: string): RoseError {
  return new RoseError({
    code: 'TARGET_UNSUPPORTED',
    message: `${id} is unsupported on its architecture`,
    actual: because,
    next: 'choose another architecture with --arch, or other dtypes',
  });
}
