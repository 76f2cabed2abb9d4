/** Every mutation operator on PTX. */

import { ARITHMETIC } from './ptx/arithmetic.js';
import { CONTROL } from './ptx/control.js';
import { MEMORY } from './ptx/memory.js';
import type { PtxOperator } from './ptx/operator.js';

export type { PtxEdit, PtxOperator } from './ptx/operator.js';

export const PTX_OPERATORS: readonly PtxOperator[] = [...CONTROL, ...MEMORY, ...ARITHMETIC];
