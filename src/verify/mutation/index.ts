/** Mutation testing: how much of what can go wrong in a kernel verification sees. */

export { balanced } from './choose.js';
export { proveEquivalent } from './equivalence.js';
export { irMutants, type IrMutant } from './ir-mutants.js';
export { IR_OPERATORS, type IrEdit, type IrOperator } from './ir-operators.js';
export { mutantId, type Mutant } from './mutant.js';
export { applyPtxMutant, isLegal, ptxMutants } from './ptx-mutants.js';
export { PTX_OPERATORS, type PtxEdit, type PtxOperator } from './ptx-operators.js';
export { scoreOf, scoreTable, type MutantResult, type Score, type ScoreRow } from './score.js';
