/**
 * Kernels that are asked for by name or by spec -> variants beside those of the plan.
 *
 * A kernel that the plan lacks has one form. A static dimension is what --dim says, else what a dimension of that name is in the
 * model's other kernels. A type variable is what --type says, else the model's dtype where the spec allows it, else the first it
 * allows; a flag is what --flag says, else the first value it allows. Of a kernel that the plan has, each form is made once more
 * as the options say, for the phases that the plan makes it for.
 */

import { architecture } from '../device/arch.js';
import { missingFeature } from '../plan/capability.js';
import {
  bindSizes,
  variantId,
  type Phase,
  type Plan,
  type PlannedVariant,
  type UnsupportedVariant,
} from '../plan/index.js';
import type { Binding, BoundKernel, KernelSpec } from '../spec/index.js';
import { canonicalJson } from '../util/hash.js';
import { describeForm, staticDims, type AskedForm } from './asked-form.js';
import { usage } from './options.js';

/** A form of a kernel, and where it is wanted. */
interface Form {
  readonly binding: Binding;
  readonly phase: Phase;
}

/** Raises USAGE for a dimension that is open, or is said to be what it does not come to. */
export function withAskedKernels(
  plan: Plan,
  asked: readonly KernelSpec[],
  form: AskedForm,
  dependentLaunch: boolean,
): Plan {
  const planned = [...plan.variants, ...plan.unsupported];
  const known = new Set(planned.map(({ id }) => id));
  const variants: PlannedVariant[] = [];
  const unsupported: UnsupportedVariant[] = [];
  for (const spec of asked) {
    const said = describeForm(form, spec);
    const ofPlan = planned.filter(({ kernel }) => kernel === spec.name);
    if (ofPlan.length > 0 && said === '') continue;
    for (const { binding, phase } of formsOf(plan, spec, ofPlan, form)) {
      const bound = bindSizes(spec, binding);
      if (bound.kind === 'bound') requireStated(bound.kernel, form);
      for (const arch of plan.archs.map(architecture)) {
        const withoutPdl = arch.hasDependentLaunch && !dependentLaunch;
        const id = variantId({ spec, binding, arch: arch.name, phase, withoutPdl });
        if (known.has(id)) continue;
        known.add(id);
        const variant: PlannedVariant = {
          id,
          kernel: spec.name,
          binding,
          arch: arch.name,
          phase,
          pdl: arch.hasDependentLaunch && dependentLaunch,
          reasons: [`asked for${said === '' ? '' : ` with ${said}`}: ${spec.origin.file}`],
        };
        const because = bound.kind === 'gap' ? bound.reason : missingFeature(bound.kernel, arch);
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

function formsOf(
  plan: Plan,
  spec: KernelSpec,
  ofPlan: readonly PlannedVariant[],
  form: AskedForm,
): readonly Form[] {
  const bases =
    ofPlan.length > 0 ? ofPlan : plan.phases.map((phase) => ({ binding: ofModel(plan, spec, form), phase }));
  const forms = bases.map(({ binding: { dims, types, flags }, phase }): Form => ({
    binding: {
      dims: changed(dims, form.dims),
      types: changed(types, form.types),
      flags: changed(flags, form.flags),
    },
    phase,
  }));
  return [...new Map(forms.map((each) => [canonicalJson([each.binding, each.phase]), each])).values()];
}

/** A record with other values where the form says so. */
function changed<T>(
  record: Readonly<Record<string, T>>,
  said: ReadonlyMap<string, T>,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, said.get(name) ?? value]));
}

/** What the model gives of a kernel that its plan lacks. */
function ofModel(plan: Plan, spec: KernelSpec, form: AskedForm): Binding {
  const sizes = new Map(staticDims(spec).map((name) => [name, sizesOf(plan, name, form)] as const));
  const open = [...sizes].filter(([, found]) => found.length !== 1);
  if (open.length > 0) throw openSizes(plan, spec, open);
  return {
    dims: Object.fromEntries([...sizes].map(([name, [size]]) => [name, size!])),
    types: Object.fromEntries(
      spec.types.map(({ name, choices }) => [
        name,
        choices.find((choice) => choice === plan.dtype) ?? choices[0]!,
      ]),
    ),
    flags: Object.fromEntries(spec.flags.map(({ name, choices }) => [name, choices[0]!])),
  };
}

/** The size that is said, else all that a dimension of this name has in the plan. */
function sizesOf({ variants, unsupported }: Plan, name: string, { dims }: AskedForm): readonly number[] {
  const said = dims.get(name);
  if (said !== undefined) return [said];
  return [...new Set([...variants, ...unsupported].flatMap(({ binding }) => binding.dims[name] ?? []))];
}

function openSizes(
  { model }: Plan,
  { name: kernel }: KernelSpec,
  open: readonly (readonly [string, readonly number[]])[],
): Error {
  const names = open.map(([name]) => name).join(', ');
  return usage(
    open.length === 1
      ? `the size of ${names} in ${kernel} is open`
      : `the sizes of ${names} in ${kernel} are open`,
    open
      .map(([name, sizes]) =>
        sizes.length === 0
          ? `no kernel of ${model.name} has a dimension ${name}`
          : `${name} is ${sizes.join(' or ')} in the kernels of ${model.name}`,
      )
      .join('; '),
    open.map(([name]) => `--dim ${name}=SIZE`).join(' '),
    `add ${open.map(([name, sizes]) => `--dim ${name}=${sizes[0] ?? 'SIZE'}`).join(' ')}`,
  );
}

/** A dimension that is computed from others may be said too, as what it comes to. */
function requireStated({ spec, extents }: BoundKernel, { dims }: AskedForm): void {
  for (const [name, size] of dims) {
    const extent = extents[name];
    if (extent === undefined || extent === 'dynamic' || extent === size) continue;
    throw usage(
      `${name} of ${spec.name} is computed from its other dimensions`,
      `--dim ${name}=${size}`,
      `${name} = ${extent}`,
      'leave it out, or choose other dimensions',
    );
  }
}
