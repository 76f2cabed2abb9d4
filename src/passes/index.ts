/** IR in formula form -> IR in tile form. */

export { passes, runPasses, type Observer, type Pass } from './pipeline.js';
export { sharedBytes } from './check-legality.js';
