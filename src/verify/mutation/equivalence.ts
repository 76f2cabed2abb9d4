/**
 * Proofs that a mutant computes what its original does, whatever it is given.
 *
 * Each is sound and small; a survivor that none covers stays a survivor.
 * - Unused result: the two texts are the same once instructions are removed whose results nothing reads.
 * - Same for every thread: the changed instruction follows from the thread's index and constants alone and, worked out for
 *   every thread of the block, gives the same (or its guard lets the same threads pass).
 * - Next line: the branch that was changed leads to the line after it.
 * - Copies: the changed operand is a register that holds the same, as the moves before it in its block show.
 * - Uniform source: the changed shuffle hands round a value that is the same in every thread of the CTA.
 */

import {
  hasResult,
  headOf,
  printLine,
  readProgram,
  registersIn,
  resultsOf,
  sourcesOf,
  type PtxLine,
  type PtxProgram,
} from './ptx/program.js';
import { originOf } from './copies.js';
import { ThreadValues } from './thread-values.js';

/**
 * @param threads of a block that has one dimension; 0 where it has several
 * @returns the proof in a sentence; undefined where there is none
 */
export function proveEquivalent(original: string, mutant: string, threads: number): string | undefined {
  if (original === mutant) return 'the PTX is the same';
  const [before, after] = [readProgram(original), readProgram(mutant)];
  if (withoutDead(before) === withoutDead(after)) return 'nothing reads the result that was changed';
  const change = onlyChange(before, after);
  if (!change) return undefined;
  if (leadsToNextLine(before, change.before) && (!change.after || leadsToNextLine(after, change.after)))
    return 'the branch leads to the next line';
  if (threads > 0 && sameForEveryThread(before, change, threads))
    return `worked out for each of the ${threads} threads, the changed line does the same`;
  if (change.after && sameCopies(before, change.before, change.after))
    return 'the registers are copies of the same value';
  if (change.after && threads > 0 && threads % 32 === 0 && sameShuffle(before, change.before, change.after))
    return 'the shuffle hands round a value that every thread of the CTA has';
  return undefined;
}

interface Change {
  readonly before: PtxLine;
  /** Absent: dropped. */
  readonly after?: PtxLine;
}

/** The instruction that differs, where exactly one does. */
function onlyChange(before: PtxProgram, after: PtxProgram): Change | undefined {
  if (before.lines.length !== after.lines.length) return undefined;
  const lines = before.lines.flatMap((text, i) => (text === after.lines[i] ? [] : [i + 1]));
  const [line] = lines;
  const old = before.instructions.find((each) => each.line === line);
  if (lines.length !== 1 || !old) return undefined;
  const next = after.instructions.find((each) => each.line === line);
  if (!next && after.lines[old.line - 1]!.trim() !== '') return undefined;
  return next ? { before: old, after: next } : { before: old };
}

/** Opcodes that give a result and do nothing else: no access, no exchange with other threads. */
const IMPURE = new Set([
  'ld',
  'ldu',
  'ldmatrix',
  'atom',
  'shfl',
  'vote',
  'match',
  'redux',
  'elect',
  'activemask',
]);

const isPure = (line: PtxLine): boolean => hasResult(line) && !IMPURE.has(headOf(line.opcode));

/** The instructions that are left once those are gone, again and again, whose results no other reads. */
function withoutDead(program: PtxProgram): string {
  let live = program.instructions;
  for (;;) {
    const read = new Set(live.flatMap((line) => [...sourcesOf(line), ...registersIn(line.guard ?? '')]));
    const kept = live.filter((line) => !isPure(line) || resultsOf(line).some((result) => read.has(result)));
    if (kept.length === live.length) break;
    live = kept;
  }
  const instructions = new Set(program.instructions.map(({ line }) => line));
  const printed = new Map(live.map((line) => [line.line, printLine(line)]));
  return program.lines
    .map((text, i) => (instructions.has(i + 1) ? printed.get(i + 1) : text.trim()))
    .filter((text) => text !== undefined && text !== '' && !text.startsWith('//'))
    .join('\n');
}

function leadsToNextLine({ lines }: PtxProgram, { line, opcode, operands }: PtxLine): boolean {
  if (headOf(opcode) !== 'bra') return false;
  const next = lines.slice(line).find((text) => text.trim() !== '' && !text.trim().startsWith('//'));
  return next?.trim() === `${operands[0]}:`;
}

function sameForEveryThread(program: PtxProgram, { before, after }: Change, threads: number): boolean {
  const values = new ThreadValues(program, threads);
  const passes = (guard: string | undefined): readonly boolean[] | undefined => {
    if (guard === undefined) return Array.from({ length: threads }, () => true);
    const negated = guard.startsWith('!');
    return values.of(guard.replace('!', ''))?.map((value) => (value === 1n) !== negated);
  };
  const sameGuard = before.guard === after?.guard;
  const then = after ? printLine({ ...after, guard: '' }) : '';
  if (!after || (!sameGuard && printLine({ ...before, guard: '' }) === then)) {
    const [old, next] = [passes(before.guard), after ? passes(after.guard) : []];
    return old !== undefined && next !== undefined && old.every((pass, i) => pass === (next[i] ?? false));
  }
  if (!sameGuard || !isPure(before) || !isPure(after) || before.operands[0] !== after.operands[0])
    return false;
  const [old, next] = [values.result(before), values.result(after)];
  return old !== undefined && next !== undefined && old.every((value, i) => value === next[i]);
}

/** Lines whose sources differ in the names of registers only, which hold the same there. */
function sameCopies(program: PtxProgram, before: PtxLine, after: PtxLine): boolean {
  if (before.opcode !== after.opcode || before.guard !== after.guard) return false;
  if (before.operands.length !== after.operands.length) return false;
  return before.operands.every((operand, i) => {
    const other = after.operands[i]!;
    if (operand === other) return true;
    if ((i === 0 && hasResult(before)) || !isRegister(operand) || !isRegister(other)) return false;
    return originOf(program, operand, before.line) === originOf(program, other, before.line);
  });
}

const isRegister = (operand: string): boolean => /^%[a-z]+\d+$/.test(operand);

/** Shuffles of the same register among the same lanes, whose lane exists in both. */
function sameShuffle(program: PtxProgram, before: PtxLine, after: PtxLine): boolean {
  const mode = /^shfl\.sync\.(idx|bfly)\.b32$/;
  if (!mode.test(before.opcode) || !mode.test(after.opcode) || before.guard !== after.guard) return false;
  const rest = ({ operands }: PtxLine): string => [0, 1, 3, 4].map((at) => operands[at]).join();
  const lane = ({ operands }: PtxLine): number => Number(operands[2]);
  const exists = (line: PtxLine): boolean => lane(line) >= 0 && lane(line) < 32 && line.operands[3] === '31';
  if (rest(before) !== rest(after) || !exists(before) || !exists(after)) return false;
  return isUniform(new ThreadValues(program, 1), before.operands[1]!, new Set());
}

/** Whether a value follows from constants, addresses of shared memory, parameters and the CTA's index alone. */
function isUniform(values: ThreadValues, operand: string, under: ReadonlySet<string>): boolean {
  if (/^(-?\d+|0[xf][0-9a-fA-F]+U?|%ctaid\.[xyz]|%nctaid\.[xyz])$/.test(operand)) return true;
  if (/^[A-Za-z_$][\w$]*$/.test(operand)) return true;
  if (!isRegister(operand) || under.has(operand)) return false;
  const line = values.definitionOf(operand);
  if (!line || line.operands[0] !== operand) return false;
  if (line.opcode.startsWith('ld.param.')) return true;
  return (
    isPure(line) &&
    line.operands.slice(1).every((each) => isUniform(values, each, new Set([...under, operand])))
  );
}
