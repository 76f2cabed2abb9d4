/** A variant's PTX -> every mutant that the operators can make of it, and the text of each. */

import { compileKernel, parsePtx } from '../../sim/index.js';
import { RoseError } from '../../util/errors.js';
import { mutantId, type Mutant } from './mutant.js';
import { PTX_OPERATORS, type PtxOperator } from './ptx-operators.js';
import { readProgram, withLine } from './ptx/program.js';

/** Mutants of one variant. They may not all be legal PTX: see `isLegal`. */
export function ptxMutants(
  kernel: string,
  variant: string,
  ptx: string,
  operators: readonly PtxOperator[] = PTX_OPERATORS,
): readonly Mutant[] {
  const program = readProgram(ptx);
  return operators.flatMap(({ name, sites }) =>
    sites(program).map((edit) => {
      const { line } = edit;
      const [before, after] = [tidy(edit.before), tidy(edit.after)];
      const mutant = { level: 'ptx', kernel, variant, operator: name, line, before, after } as const;
      return { ...mutant, id: mutantId(mutant) };
    }),
  );
}

const tidy = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** The text of a mutant: the original with its one line changed. */
export function applyPtxMutant(ptx: string, { line, after }: Pick<Mutant, 'line' | 'after'>): string {
  return withLine(readProgram(ptx), line, after === '' ? '' : `\t${after}`);
}

/** Whether the simulator parses and models it: what does not compile is no mutant. */
export function isLegal(ptx: string, entry: string): boolean {
  try {
    compileKernel(parsePtx(ptx, 'mutant.ptx'), entry);
    return true;
  } catch (error) {
    if (error instanceof RoseError && (error.code === 'PTX_SYNTAX' || error.code === 'PTX_UNSUPPORTED'))
      return false;
    throw error;
  }
}
