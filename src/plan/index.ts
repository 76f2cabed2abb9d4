/** Public part of the planner: model config -> the variants it needs, and how to split them. */

export { bindSizes } from './bind-need.js';
export { formatPlan, planJson, PLAN_SCHEMA, type PlanJson } from './format.js';
export { knownModelTypes } from './load-recipe.js';
export { knownModels, loadModel, parseModel, type Model } from './model.js';
export {
  plan,
  withRejections,
  type NotCovered,
  type Plan,
  type PlannedVariant,
  type PlanOptions,
  type UnsupportedVariant,
} from './plan.js';
export type { Pooling } from './pooling.js';
export type { Quant } from './quantisation.js';
export { PHASES, type Phase } from './recipe.js';
export type { ServingChoice } from './serving-types.js';
export { DEFAULT_COST_S, selectShard, shard, type ShardChoice } from './shard.js';
export { variantId, type VariantChoice } from './variant-id.js';
export type { ScheduleOverride } from './schedule-override.js';
export {
  packageTuningFiles,
  readTuning,
  specHash,
  TUNING_SCHEMA,
  withPackageTuning,
  withTuning,
  type TunedAt,
  type TuningEntry,
  type TuningFile,
} from './tuning.js';
