/**
 * rose-gen as a library.
 *
 * ```ts
 * import { defineKernel, loadModel, plan, build } from 'rose-gen';
 * ```
 */

export {
  build,
  openBuilder,
  renderVariant,
  type BuildEvent,
  type BuildRequest,
  type BuildResult,
  type RenderedVariant,
} from './build/index.js';
export {
  architecture,
  ARCHITECTURES,
  type Architecture,
  type Manifest,
  type VariantEntry,
} from './device/index.js';
export {
  formatPlan,
  knownModels,
  loadModel,
  plan,
  withPackageTuning,
  shard,
  type Model,
  type Plan,
  type PlannedVariant,
} from './plan/index.js';
export {
  bindKernel,
  defineKernel,
  loadSpec,
  loadSpecs,
  parseSpec,
  type KernelDefinition,
  type KernelSpec,
} from './spec/index.js';
export { closest, ERROR_CATALOGUE, RoseError, type ErrorCode, type Place } from './util/errors.js';
