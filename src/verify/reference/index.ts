/** What a kernel must write, from its formula alone. */

export { evaluateReference } from './evaluate.js';
export { isFloat, roundTo, spacing } from './rounding.js';
