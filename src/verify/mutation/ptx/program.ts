/**
 * PTX text -> its instructions as lines that can be changed and printed again.
 *
 * The toolchain writes one instruction a line, so a mutant differs from its original in one line and line numbers stay.
 */

export interface PtxLine {
  /** 1-based. */
  readonly line: number;
  /** `%p1` or `!%p1`. */
  readonly guard?: string;
  /** With its modifiers: `ld.global.v4.b32`. */
  readonly opcode: string;
  /** As they are written: `%r1`, `{%r1, %r2}`, `[%rd1+16]`, `0f3F800000`. */
  readonly operands: readonly string[];
}

export interface PtxProgram {
  /** The text, split at line ends. */
  readonly lines: readonly string[];
  readonly instructions: readonly PtxLine[];
}

const INSTRUCTION = /^\s*(?:@(!?%p\d+)\s+)?([a-z][\w.:]*)(?:\s+([^;]*))?;\s*(?:\/\/.*)?$/;

export function readProgram(ptx: string): PtxProgram {
  const lines = ptx.split('\n');
  const instructions = lines.flatMap((text, i) => {
    const [found, guard, opcode, operands] = INSTRUCTION.exec(text) ?? [];
    if (found === undefined) return [];
    const line = { line: i + 1, opcode: opcode!, operands: splitOperands(operands ?? '') };
    return [guard === undefined ? line : { ...line, guard }];
  });
  return { lines, instructions };
}

export function printLine({ guard, opcode, operands }: PtxLine): string {
  const start = guard === undefined ? opcode : `@${guard} ${opcode}`;
  return `\t${operands.length > 0 ? `${start} \t${operands.join(', ')}` : start};`;
}

/** At the commas that are outside of braces and brackets. */
export function splitOperands(text: string): readonly string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let i = 0; i <= text.length; i++) {
    const mark = text[i];
    if (mark === '{' || mark === '[') depth++;
    else if (mark === '}' || mark === ']') depth--;
    else if (i === text.length || (mark === ',' && depth === 0)) {
      parts.push(text.slice(start, i).trim());
      start = i + 1;
    }
  }
  return parts.filter((part) => part !== '');
}

export const headOf = (opcode: string): string => opcode.split('.', 1)[0]!;
export const wordsOf = (opcode: string): readonly string[] => opcode.split('.');
export const registersIn = (text: string): readonly string[] => text.match(/%[a-z]+\d+/g) ?? [];

/** Items of `{a, b}`. */
export function itemsOf(operand: string): readonly string[] {
  return operand.startsWith('{') ? splitOperands(operand.slice(1, -1)) : [operand];
}

export const vectorOf = (items: readonly string[]): string =>
  items.length === 1 ? items[0]! : `{${items.join(', ')}}`;

/** Instructions that have no result, or do more than give one. */
const EFFECTS = new Set([
  'bar',
  'barrier',
  'bra',
  'brx',
  'call',
  'cp',
  'discard',
  'exit',
  'fence',
  'griddepcontrol',
  'mbarrier',
  'membar',
  'nanosleep',
  'prefetch',
  'red',
  'ret',
  'st',
  'stmatrix',
  'trap',
]);

export const hasResult = ({ opcode }: PtxLine): boolean => !EFFECTS.has(headOf(opcode));

/** Registers that an instruction writes. */
export const resultsOf = (line: PtxLine): readonly string[] =>
  hasResult(line) ? registersIn(line.operands[0] ?? '') : [];

/** Registers that an instruction reads, its guard left out. */
export const sourcesOf = (line: PtxLine): readonly string[] =>
  (hasResult(line) ? line.operands.slice(1) : line.operands).flatMap(registersIn);

/** `program`'s text with one line another; an empty one: dropped. */
export function withLine(program: PtxProgram, line: number, after: string): string {
  return program.lines.map((text, i) => (i === line - 1 ? after : text)).join('\n');
}
