/**
 * Registers whose value follows from the thread's index and constants alone -> that value for each thread of a block.
 *
 * Only registers with one definition, which no guard skips, have such values: whichever way a thread takes, what it reads
 * is what that definition gave.
 */

import { headOf, resultsOf, wordsOf, type PtxLine, type PtxProgram } from './ptx/program.js';

/** One value a thread, each a number of the register's width without sign; predicates are 0 or 1. */
export type Values = readonly bigint[];

const SPECIAL_THREAD = '%tid.x';
const INTEGER = /^(-?\d+|0x[0-9a-fA-F]+)U?$/;

export class ThreadValues {
  private readonly definitions = new Map<string, PtxLine | null>();
  private readonly known = new Map<string, Values | undefined>();

  /** @param threads of a block that has one dimension */
  constructor(
    program: PtxProgram,
    private readonly threads: number,
  ) {
    for (const line of program.instructions)
      for (const register of resultsOf(line))
        this.definitions.set(
          register,
          this.definitions.has(register) || line.guard !== undefined ? null : line,
        );
  }

  definitionOf(register: string): PtxLine | undefined {
    return this.definitions.get(register) ?? undefined;
  }

  /** Value of an operand for each thread; undefined where it depends on more. */
  of(operand: string): Values | undefined {
    if (operand === SPECIAL_THREAD) return Array.from({ length: this.threads }, (_, i) => BigInt(i));
    const [, literal] = INTEGER.exec(operand) ?? [];
    if (literal !== undefined) return this.constant(BigInt(literal));
    if (!this.known.has(operand)) {
      this.known.set(operand, undefined); // one that follows from itself has no such value
      const line = this.definitionOf(operand);
      if (line && line.operands[0] === operand) this.known.set(operand, this.result(line));
    }
    return this.known.get(operand);
  }

  /** What an instruction gives each thread. */
  result(line: PtxLine): Values | undefined {
    const apply = operation(line.opcode);
    const operands = line.operands.slice(1).map((operand) => this.of(operand));
    if (!apply || operands.some((values) => values === undefined)) return undefined;
    const results = Array.from({ length: this.threads }, (_, i) =>
      apply(operands.map((values) => values![i]!)),
    );
    return results.every((value) => value !== undefined) ? results : undefined;
  }

  private constant(value: bigint): Values {
    return Array.from({ length: this.threads }, () => value);
  }
}

type Operation = (operands: readonly bigint[]) => bigint | undefined;

const COMPARE: Readonly<Record<string, (a: bigint, b: bigint) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/** Integer instructions as functions of their sources. */
function operation(opcode: string): Operation | undefined {
  const words = wordsOf(opcode);
  const head = headOf(opcode);
  const [, sign, digits] = /^([busp])(\d+|red)$/.exec(words.at(-1)!) ?? [];
  if (sign === undefined) return undefined;
  const width = digits === 'red' ? 1 : Number(digits);
  const read = (value: bigint): bigint =>
    sign === 's' ? BigInt.asIntN(width, value) : BigInt.asUintN(width, value);
  const wrap =
    (fn: (a: bigint, b: bigint) => bigint): Operation =>
    ([a, b]) =>
      BigInt.asUintN(width, fn(read(a!), read(b!)));
  switch (head) {
    case 'mov':
      return words.length === 2 ? ([a]) => BigInt.asUintN(width, a!) : undefined;
    case 'add':
      return words.length === 2 ? wrap((a, b) => a + b) : undefined;
    case 'sub':
      return words.length === 2 ? wrap((a, b) => a - b) : undefined;
    case 'and':
      return wrap((a, b) => a & b);
    case 'or':
      return wrap((a, b) => a | b);
    case 'xor':
      return wrap((a, b) => a ^ b);
    case 'min':
      return words.length === 2 ? wrap((a, b) => (a < b ? a : b)) : undefined;
    case 'max':
      return words.length === 2 ? wrap((a, b) => (a > b ? a : b)) : undefined;
    case 'mul':
      if (words[1] === 'lo') return wrap((a, b) => a * b);
      if (words[1] === 'wide') return ([a, b]) => BigInt.asUintN(2 * width, read(a!) * read(b!));
      return undefined;
    case 'shl':
      return ([a, b]) => (b! < 64n ? BigInt.asUintN(width, a! << b!) : 0n);
    case 'shr':
      return ([a, b]) => BigInt.asUintN(width, read(a!) >> (b! < 64n ? b! : 64n));
    case 'cvt': {
      const [, to, toDigits] = /^([us])(\d+)$/.exec(words[1]!) ?? [];
      if (to === undefined || words.length !== 3 || sign === 'b') return undefined;
      return ([a]) => BigInt.asUintN(Number(toDigits), read(a!));
    }
    case 'setp': {
      const compare = COMPARE[words[1]!];
      return compare && words.length === 3 ? ([a, b]) => (compare(read(a!), read(b!)) ? 1n : 0n) : undefined;
    }
    default:
      return undefined;
  }
}
