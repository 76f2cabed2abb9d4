/**
 * A model and its targets -> Plan: every kernel variant the model needs there, with the reason for each; what the
 * architectures cannot run; and what no spec covers.
 */

import { ARCHITECTURES, architecture, type Architecture } from '../device/arch.js';
import type { Binding, BoundKernel, Dtype, KernelSpec } from '../spec/types.js';
import { RoseError } from '../util/errors.js';
import { canonicalJson } from '../util/hash.js';
import { bindNeed } from './bind-need.js';
import { missingFeature } from './capability.js';
import { Facts } from './facts.js';
import type { Model } from './model.js';
import type { Quant } from './quantisation.js';
import { PHASES, type Phase } from './recipe.js';
import type { ScheduleOverride } from './schedule-override.js';
import { servingTypes, type ServingChoice, type ServingTypes } from './serving-types.js';
import { variantId } from './variant-id.js';

export interface PlannedVariant {
  /** Unique in a plan, and a legal file name. */
  readonly id: string;
  /** Name of the spec. */
  readonly kernel: string;
  readonly binding: Binding;
  /** Architecture, as users write it: `sm90`. */
  readonly arch: string;
  readonly phase: Phase;
  /** Takes part in programmatic dependent launch. */
  readonly pdl: boolean;
  /** Absent: the compiler's own schedule. */
  readonly schedule?: ScheduleOverride;
  /** Device that the schedule was measured on: where it does not fit any more, the compiler's own is taken. */
  readonly tunedOn?: string;
  /** Where the model uses it. */
  readonly reasons: readonly string[];
}

/** A variant that its architecture cannot run. */
export interface UnsupportedVariant extends PlannedVariant {
  readonly because: string;
}

/** What the model computes and no spec covers. */
export interface NotCovered {
  readonly op: string;
  readonly reason: string;
}

export interface Plan {
  readonly model: { readonly name: string; readonly modelType: string; readonly config: string };
  readonly dtype: Dtype;
  readonly kvDtype: Dtype;
  readonly quant: Quant;
  /** Tokens a page of the KV cache. */
  readonly page: number;
  readonly archs: readonly string[];
  readonly phases: readonly Phase[];
  readonly variants: readonly PlannedVariant[];
  readonly unsupported: readonly UnsupportedVariant[];
  readonly notCovered: readonly NotCovered[];
}

export interface PlanOptions extends ServingChoice {
  readonly model: Model;
  /** `sm90`, `sm_90a` ... */
  readonly archs: readonly string[];
  /** Absent: prefill and decode. */
  readonly phases?: readonly Phase[];
  /** The kernels there are. */
  readonly specs: readonly KernelSpec[];
  /** False switches programmatic dependent launch off. */
  readonly pdl?: boolean;
}

/**
 * The order is that of the architectures, then of the recipe, then prefill before decode, whatever order was asked in.
 * Raises MODEL_CONFIG where the config lacks or contradicts what the recipe reads, SPEC_DTYPE for a dtype a kernel
 * does not take, TARGET_UNKNOWN, USAGE, and RECIPE_INVALID where recipe and specs do not fit.
 */
export function plan(options: PlanOptions): Plan {
  const { model, specs } = options;
  const archs = orderedArchs(options.archs);
  const wanted = orderedPhases(options.phases ?? PHASES);
  const types = servingTypes(model, options);
  const facts = new Facts(model, {
    dtype: types.dtype,
    kv_dtype: types.kvDtype,
    page: types.page,
    quant: types.quant,
    pooling: model.pooling?.mode ?? 'none',
    normalize: model.pooling?.normalize ?? false,
    multimodal: model.config.wrapper !== undefined,
  });
  const phases = modelPhases(model, wanted, facts);
  const { demands, gaps } = collectDemands(model, specs, facts);
  const variants: PlannedVariant[] = [];
  const unsupported: UnsupportedVariant[] = [];
  for (const arch of archs) {
    for (const demand of demands) {
      for (const phase of phases) {
        const variant = plannedVariant(demand, arch, phase, options.pdl ?? true);
        if (!variant) continue;
        const because = missingFeature(demand.kernel, arch);
        if (because === undefined) variants.push(variant);
        else unsupported.push({ ...variant, because });
      }
    }
  }
  return {
    model: { name: model.name, modelType: model.modelType, config: model.config.source.file },
    dtype: types.dtype,
    kvDtype: types.kvDtype,
    quant: types.quant,
    page: types.page,
    archs: archs.map(({ name }) => name),
    phases,
    variants,
    unsupported,
    notCovered: distinct([...recipeGaps(model, facts), ...gaps, ...otherGaps(model, types)]),
  };
}

/**
 * Moves variants that a later stage rejected (no schedule fits, say) to `unsupported`. `rejections` is by variant id;
 * an id that the plan has not is a defect of the caller.
 */
export function withRejections(whole: Plan, rejections: ReadonlyMap<string, string>): Plan {
  const known = new Set(whole.variants.map(({ id }) => id));
  for (const id of rejections.keys()) if (!known.has(id)) throw new Error(`the plan has no variant ${id}`);
  const rejected = whole.variants.flatMap((variant) => {
    const because = rejections.get(variant.id);
    return because === undefined ? [] : [{ ...variant, because }];
  });
  return {
    ...whole,
    variants: whole.variants.filter(({ id }) => !rejections.has(id)),
    unsupported: [...whole.unsupported, ...rejected],
  };
}

/** A kernel with its binding, and why it is needed in each phase. */
interface Demand {
  readonly kernel: BoundKernel;
  readonly reasons: ReadonlyMap<Phase, readonly string[]>;
}

/** The same kernel with the same binding, needed for several reasons, is one demand. */
function collectDemands(
  model: Model,
  specs: readonly KernelSpec[],
  facts: Facts,
): { readonly demands: readonly Demand[]; readonly gaps: readonly NotCovered[] } {
  const byName = new Map(specs.map((spec) => [spec.name, spec]));
  const demands = new Map<string, Demand & { readonly reasons: Map<Phase, string[]> }>();
  const gaps: NotCovered[] = [];
  for (const need of model.recipe.needs) {
    if (need.when && !facts.truth(need.when)) continue;
    const bound = bindNeed(need, byName, facts);
    const reason = facts.text(need.reason);
    if (bound.kind === 'gap') {
      gaps.push({ op: facts.text(need.kernel), reason: `${reason}: ${bound.reason}` });
      continue;
    }
    const key = canonicalJson([bound.kernel.spec.name, bound.kernel.binding]);
    const demand = demands.get(key) ?? { kernel: bound.kernel, reasons: new Map() };
    demands.set(key, demand);
    for (const phase of need.phases ?? PHASES) {
      const reasons = demand.reasons.get(phase) ?? [];
      if (!reasons.includes(reason)) demand.reasons.set(phase, [...reasons, reason]);
    }
  }
  return { demands: [...demands.values()], gaps };
}

function plannedVariant(
  demand: Demand,
  arch: Architecture,
  phase: Phase,
  pdl: boolean,
): PlannedVariant | undefined {
  const { spec, binding } = demand.kernel;
  const reasons = demand.reasons.get(phase);
  if (!reasons) return undefined;
  const withoutPdl = arch.hasDependentLaunch && !pdl;
  return {
    id: variantId({ spec, binding, arch: arch.name, phase, withoutPdl }),
    kernel: spec.name,
    binding,
    arch: arch.name,
    phase,
    pdl: arch.hasDependentLaunch && pdl,
    reasons,
  };
}

function recipeGaps(model: Model, facts: Facts): readonly NotCovered[] {
  return model.recipe.notCovered
    .filter(({ when }) => !when || facts.truth(when))
    .map(({ op, reason }) => ({ op, reason: facts.text(reason) }));
}

/** What the checkpoint asks for beyond its architecture. */
function otherGaps(model: Model, types: ServingTypes): readonly NotCovered[] {
  const extra = (model.pooling?.extra ?? []).map((module) => ({
    op: module,
    reason: 'a module after pooling, in modules.json',
  }));
  return types.gap === undefined ? extra : [...extra, { op: 'activation quantisation', reason: types.gap }];
}

function distinct(gaps: readonly NotCovered[]): readonly NotCovered[] {
  return [...new Map(gaps.map((gap) => [canonicalJson(gap), gap])).values()];
}

/** A model that encodes whole texts is never decoded. */
function modelPhases(model: Model, wanted: readonly Phase[], facts: Facts): readonly Phase[] {
  const runsIn = (phase: Phase): boolean => {
    const when = model.recipe.phases.get(phase);
    return !when || facts.truth(when);
  };
  const phases = wanted.filter(runsIn);
  if (phases.length > 0) return phases;
  throw new RoseError({
    code: 'USAGE',
    message: `${model.name} has no ${wanted.join(' and ')} phase`,
    actual: wanted.join(', '),
    expected: PHASES.filter(runsIn).join(', '),
    next: 'leave --phase out, or choose one that the model has',
  });
}

function orderedArchs(names: readonly string[]): readonly Architecture[] {
  const chosen = names.map(architecture);
  if (chosen.length > 0) return ARCHITECTURES.filter((arch) => chosen.includes(arch));
  throw new RoseError({
    code: 'USAGE',
    message: 'no architecture is given',
    expected: `one or more of ${ARCHITECTURES.map(({ name }) => name).join(', ')}`,
    next: 'add --arch, for instance --arch sm90',
  });
}

function orderedPhases(given: readonly Phase[]): readonly Phase[] {
  const unknown = given.find((phase) => !PHASES.includes(phase));
  if (unknown === undefined && given.length > 0) return PHASES.filter((phase) => given.includes(phase));
  throw new RoseError({
    code: 'USAGE',
    message: unknown === undefined ? 'no phase is given' : `there is no phase ${JSON.stringify(unknown)}`,
    expected: PHASES.join(' or '),
    next: 'choose with --phase',
  });
}
