/** What runtimes and the simulator share with the compiler: architectures, the manifest and its launch rules. */

export * from './arch.js';
export type * from './device.js';
export * from './launch-expr.js';
export { parseExpr } from './launch-expr-parse.js';
export { evaluateGrid } from './launch-grid.js';
export * from './manifest.js';
export { findManifestProblem, type ManifestProblem } from './manifest-check.js';
export { parseManifest, readManifest } from './manifest-read.js';
export type { KernelChoice, KernelLauncher, LaunchOptions, Tensor } from './launcher.js';
