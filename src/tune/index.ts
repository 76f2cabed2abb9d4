/** Tuning: candidates compiled ahead, timed on a GPU, and the faster ones kept in a file that the compiler reads. */

export { candidatesOf } from './candidates.js';
export { decide, LEAST_GAIN, type Timings } from './decide.js';
export { mergeTuning } from './merge.js';
export { prepareTuning, readTasks, type PrepareRequest, type TuningTask } from './prepare.js';
export { tune, type TaskReport, type TuneRequest } from './tune.js';
