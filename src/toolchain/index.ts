/** The pinned Python toolchain: its install, its workers, and what it makes. */

export { CompileError } from './compile-error.js';
export {
  CompilePool,
  compileOptions,
  type CompileJob,
  type CompileOutput,
  type CompilePoolOptions,
} from './compile-pool.js';
export type { WorkerCommand } from './compile-worker.js';
export { readCubin, type Cubin, type CubinKernel, type CubinParam } from './cubin.js';
export { diagnose, type Diagnosis } from './doctor.js';
export { estimateOccupancy, type Occupancy, type OccupancyInput } from './occupancy.js';
export { reportResources, type LaunchShape } from './resources.js';
export {
  CUDA_FLAVOUR,
  CUTLASS_DSL_VERSION,
  ensureToolchain,
  findToolchain,
  MINIMUM_DRIVER,
  type EnsureToolchainOptions,
  type Toolchain,
} from './toolchain.js';
export { ensureVenv, venvRoot, type InstallProgress, type Venv, type VenvOptions } from './venv.js';
export { toolchainLockHash } from './lock-hash.js';
