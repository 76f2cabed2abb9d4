/** Verification: every variant of a build in the simulator, on problems chosen to break it, against its formula. */

export { formatFailure, formatVerdict } from './format.js';
export { junitXml } from './junit.js';
export { VerifyPool, type VerifyPoolOptions } from './pool.js';
export { problemsOf, type NamedProblem } from './problems.js';
export { recordedVerdict, recordVerdict, verdictKey, verifierHash } from './record.js';
export { evaluateReference } from './reference/index.js';
export type { CaseResult, Failure, Problem, ReferenceOutput, Subject, Verdict } from './types.js';
export {
  verifyBuild,
  type VariantResult,
  type VerifyBuildRequest,
  type VerifyProgress,
  type VerifyResult,
} from './verify-build.js';
export { verifyVariant, type VerifyOptions } from './verify-variant.js';
