/** What a kernel must write, from its formula alone. */

export { evaluateReference } from './evaluate.js';
export { roundTo, spacing } from './rounding.js';
