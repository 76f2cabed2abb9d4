/** What a mutation operator on PTX is: data with a name, a sentence and the edits it can make. */

import { printLine, type PtxLine, type PtxProgram } from './program.js';

/** One line changed. */
export interface PtxEdit {
  /** 1-based. */
  readonly line: number;
  readonly before: string;
  /** Empty: the line is dropped. */
  readonly after: string;
}

export interface PtxOperator {
  readonly name: string;
  /** One sentence: the mistake it stands for. */
  readonly doc: string;
  readonly sites: (program: PtxProgram) => readonly PtxEdit[];
}

/** What a line becomes: another line, or nothing. */
export type Replacement = Partial<Pick<PtxLine, 'opcode' | 'operands'>> & { readonly guard?: string | null };

/** An operator that looks at one line at a time; `null` drops the line. */
export function onLines(
  name: string,
  doc: string,
  replace: (line: PtxLine, program: PtxProgram) => readonly (Replacement | null)[],
): PtxOperator {
  return {
    name,
    doc,
    sites: (program) =>
      program.instructions.flatMap((line) =>
        replace(line, program).flatMap((replacement) => {
          const before = printLine(line);
          const after = replacement === null ? '' : printLine(changed(line, replacement));
          return after === before ? [] : [{ line: line.line, before, after }];
        }),
      ),
  };
}

function changed({ guard: kept, ...line }: PtxLine, { guard, ...rest }: Replacement): PtxLine {
  const next = guard === undefined ? kept : guard;
  return { ...line, ...rest, ...(next !== undefined && next !== null && { guard: next }) };
}

/** `operands` with the one at `at` another. */
export const replaced = (operands: readonly string[], at: number, operand: string): readonly string[] =>
  operands.map((old, i) => (i === at ? operand : old));

/** `operands` with two exchanged. */
export const swapped = (operands: readonly string[], a: number, b: number): readonly string[] =>
  operands.map((old, i) => (i === a ? operands[b]! : i === b ? operands[a]! : old));
