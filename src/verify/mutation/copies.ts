/** Where the value of a register comes from, moves looked through: two registers with one origin hold the same. */

import { headOf, resultsOf, wordsOf, type PtxProgram } from './ptx/program.js';

/**
 * The definition, or the entry of the block, that gave `register` what it holds before `line` runs.
 *
 * Only moves that certainly ran since are looked through: those without a guard in the same block, no label or branch
 * between. What was there when the block began has the block's first line as its origin.
 */
export function originOf(program: PtxProgram, register: string, line: number): string {
  const [block, lines] = blockBefore(program, line);
  let held = register;
  for (const each of lines.toReversed()) {
    if (!resultsOf(each).includes(held)) continue;
    const [target, source] = each.operands;
    const copies =
      headOf(each.opcode) === 'mov' && wordsOf(each.opcode).length === 2 && each.guard === undefined;
    if (!copies || target !== held || !/^(%[a-z]+\d+|-?\d+|0[xf][0-9a-fA-F]+)$/.test(source ?? ''))
      return `${held} of line ${each.line}`;
    if (!source!.startsWith('%')) return `${wordsOf(each.opcode)[1]!} ${source!}`;
    held = source!;
  }
  return `${held} at line ${block}`;
}

/** First line of the block that `line` is in, and its instructions before it. */
function blockBefore(program: PtxProgram, line: number): readonly [number, PtxProgram['instructions']] {
  const label = program.lines.findLastIndex((text, i) => i < line - 1 && /^\s*[$\w]+:/.test(text)) + 1;
  const inside = program.instructions.filter((each) => each.line > label && each.line < line);
  const branch =
    inside.findLast(({ opcode }) => ['bra', 'brx', 'call'].includes(headOf(opcode)))?.line ?? label;
  return [branch, inside.filter((each) => each.line > branch)];
}
