/** Measuring on a GPU: workloads, checks, timers, ceilings, and the whole bench. */

export { runBench, type BenchRequest } from './bench.js';
export { measureCeilings, type Ceilings } from './ceilings.js';
export { checkWorkload, type CheckResult } from './check.js';
export { prepareFlush } from './flush.js';
export { GraphTimer, type Timed } from './graph-timer.js';
export { ratioChart, roofline } from './plot.js';
export { bestPeer, type BenchCase, type BenchResults, type PeerResult } from './results.js';
export { rotationOf, type Rotation } from './rotation.js';
export { caseLine, summaryLines } from './table.js';
export { TensorSets } from './tensor-set.js';
export { inTurns } from './turns.js';
export { makeWorkload, type Workload } from './workload.js';
