/** The simulator: runs a kernel's PTX on a CPU and says what is wrong with it. */

export { ALL_CHECKS, NO_CHECKS } from './checks/checks.js';
export type { Checks } from './checks/checks.js';
export { BF16, E4M3, E5M2, F16, narrow, widen } from './float/formats.js';
export type { FloatFormat, Rounding } from './float/formats.js';
export { compileKernel, simulate } from './launch.js';
export type { SimKernel } from './launch.js';
export type { Argument, Dim3, LaunchOptions, LaunchResult } from './launch-options.js';
export { Allocation, SimMemory } from './memory.js';
export type { AllocationOptions, TensorView } from './memory.js';
export type { PtxEntry, PtxInstruction, PtxModule } from './ptx/ast.js';
export { encodeTensorMap } from './tensor-map.js';
export type { Swizzle, TensorMap } from './tensor-map.js';
export type { GlobalTraffic, Profile, SharedTraffic } from './profile.js';
export { parsePtx } from './ptx/parser.js';
export { faultError, formatReport } from './report.js';
export type { FaultKind, SimReport } from './report.js';
export { SimDevice, openSimDevice } from './device.js';
export type { SimDeviceOptions } from './device.js';
