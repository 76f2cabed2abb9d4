/**
 * Specs of the user's own that no recipe names -> variants beside those of the plan.
 *
 * A static dimension is what --dim says, else what a dimension of that name is in the model's other kernels. A type
 * variable is the model's dtype where the spec allows it, else the first it allows; a flag is the first value it allows.
 */

import { architecture } from '../device/arch.js';
import { missingFeature } from '../plan/capability.js';
import { variantId, type Plan, type PlannedVariant, type UnsupportedVariant } from '../plan/index.js';
import { bindKernel, type Binding, type KernelSpec } from '../spec/index.js';
import { count, usage } from './options.js';

/** Raises USAGE for a dimension that is malformed, unknown or open, and what `bindKernel` raises. */
export function withOwnKernels(
  plan: Plan,
  own: readonly KernelSpec[],
  dims: readonly string[],
  dependentLaunch: boolean,
): Plan {
  const given = new Map(dims.map(parseDim));
  const needed = new Set([...plan.variants, ...plan.unsupported].map(({ kernel }) => kernel));
  const extra = own.filter(({ name }) => !needed.has(name));
  const unused = [...given.keys()].find((name) => !extra.some((spec) => isStaticOf(spec, name)));
  if (unused !== undefined) {
    throw usage(
      `no spec of yours has a static dimension ${unused}`,
      unused,
      extra.flatMap(staticDims).join(', ') || 'no --dim: the model gives every dimension',
      'leave it out, or add the spec with --spec',
    );
  }
  const variants: PlannedVariant[] = [];
  const unsupported: UnsupportedVariant[] = [];
  for (const spec of extra) {
    const bound = bindKernel(spec, {
      dims: Object.fromEntries(
        staticDims(spec).map((name) => [name, given.get(name) ?? ofModel(plan, spec, name)]),
      ),
      types: Object.fromEntries(
        spec.types.map(({ name, choices }) => [
          name,
          choices.find((choice) => choice === plan.dtype) ?? choices[0]!,
        ]),
      ),
      flags: Object.fromEntries(spec.flags.map(({ name, choices }) => [name, choices[0]!])),
    });
    for (const arch of plan.archs.map(architecture)) {
      for (const phase of plan.phases) {
        const pdl = arch.hasDependentLaunch && dependentLaunch;
        const withoutPdl = arch.hasDependentLaunch && !dependentLaunch;
        const variant: PlannedVariant = {
          id: variantId({ spec, binding: bound.binding, arch: arch.name, phase, withoutPdl }),
          kernel: spec.name,
          binding: bound.binding,
          arch: arch.name,
          phase,
          pdl,
          reasons: [`asked for: ${spec.origin.file}`],
        };
        const because = missingFeature(bound, arch);
        if (because === undefined) variants.push(variant);
        else unsupported.push({ ...variant, because });
      }
    }
  }
  return {
    ...plan,
    variants: [...plan.variants, ...variants],
    unsupported: [...plan.unsupported, ...unsupported],
  };
}

function parseDim(text: string): readonly [string, number] {
  const [name = '', size, ...rest] = text.split('=');
  if (size === undefined || rest.length > 0 || name.trim() === '') {
    throw usage('--dim names no dimension', text, 'NAME=SIZE', 'write --dim hidden=4096, for instance');
  }
  return [name.trim(), count('the size in --dim', size.trim())!];
}

const staticDims = (spec: KernelSpec): readonly string[] =>
  spec.dims.filter(({ kind }) => kind === 'static').map(({ name }) => name);

const isStaticOf = (spec: KernelSpec, name: string): boolean => staticDims(spec).includes(name);

function ofModel(plan: Plan, spec: KernelSpec, name: string): Binding['dims'][string] {
  const sizes = new Set(
    [...plan.variants, ...plan.unsupported].flatMap(({ binding }) => binding.dims[name] ?? []),
  );
  if (sizes.size === 1) return [...sizes][0]!;
  throw usage(
    `the size of ${name} in ${spec.name} is open`,
    sizes.size === 0 ? `no kernel of ${plan.model.name} has a dimension ${name}` : [...sizes].join(' or '),
    `--dim ${name}=SIZE`,
    `add --dim ${name}=${[...sizes][0] ?? 4096}, for instance`,
  );
}
