/** Mutations of what is moved, and from where to where: stores, addresses, vectors, indices, stale registers. */

import {
  headOf,
  itemsOf,
  registersIn,
  resultsOf,
  hasResult,
  vectorOf,
  wordsOf,
  type PtxProgram,
} from './program.js';
import { originOf } from '../copies.js';
import { onLines, replaced, type Replacement } from './operator.js';

const dropStore = onLines('drop-store', 'a result is not written', ({ opcode }) =>
  headOf(opcode) === 'st' ? [null] : [],
);

const shiftAddress = onLines(
  'shift-address',
  'an access is off by one element or one access',
  ({ opcode, operands }) => {
    const bytes = /\.[bsuf](\d+)$/.exec(opcode)?.[1];
    if (!/^(ld|st)\.(global|shared|local)/.test(opcode) || bytes === undefined) return [];
    const at = operands.findIndex((operand) => operand.startsWith('['));
    const [found, base, offset] = /^\[([^+\]]+)(?:\+(-?\d+))?\]$/.exec(operands[at] ?? '') ?? [];
    if (found === undefined) return [];
    const element = Number(bytes) / 8;
    const whole = element * Number(/\.v(\d)/.exec(opcode)?.[1] ?? 1);
    return [...new Set([element, whole, -whole])].map((step) => ({
      operands: replaced(operands, at, `[${base}+${Number(offset ?? 0) + step}]`),
    }));
  },
);

const wrongVector = onLines(
  'wrong-vector',
  'a vector access has the wrong width, or its elements in the wrong order',
  ({ opcode, operands }) => {
    const [found, width] = /\.v(\d)\./.exec(opcode) ?? [];
    const at = operands.findIndex((operand) => operand.startsWith('{'));
    if (found === undefined || at < 0 || !/^(ld|st)\./.test(opcode)) return [];
    const items = itemsOf(operands[at]!);
    const half = Number(width) / 2;
    const orders = [
      [items[1]!, items[0]!, ...items.slice(2)],
      [...items.slice(1), items[0]!],
    ];
    return [
      ...orders.map((order) => ({ operands: replaced(operands, at, vectorOf(order)) })),
      {
        opcode: opcode.replace(found, half === 1 ? '.' : `.v${half}.`),
        operands: replaced(operands, at, vectorOf(items.slice(0, half))),
      },
    ];
  },
);

const OTHER_SPECIAL: Readonly<Record<string, string>> = {
  '%tid.x': '%ctaid.x',
  '%ctaid.x': '%tid.x',
  '%nctaid.x': '%ctaid.x',
  '%ntid.x': '%tid.x',
  '%cluster_ctarank': '%ctaid.x',
  '%cluster_ctaid.x': '%ctaid.x',
};

const wrongSpecial = onLines('wrong-special', 'thread and CTA are mixed up', ({ operands }) =>
  operands.flatMap((operand, at) => {
    const other = OTHER_SPECIAL[operand];
    return other === undefined ? [] : [{ operands: replaced(operands, at, other) }];
  }),
);

const kindOf = (register: string): string => register.replace(/\d+$/, '');

/** Registers of each kind in the order of their first definition, by line. */
const definitions = new WeakMap<PtxProgram, readonly { register: string; line: number }[]>();

function definitionsOf(program: PtxProgram): readonly { register: string; line: number }[] {
  let known = definitions.get(program);
  if (!known) {
    known = program.instructions.flatMap((line) =>
      resultsOf(line).map((register) => ({ register, line: line.line })),
    );
    definitions.set(program, known);
  }
  return known;
}

const staleRegister = onLines(
  'stale-register',
  'a value is taken from another register of the same type, defined earlier',
  (line, program) => {
    const first = hasResult(line) ? 1 : 0;
    const earlier = definitionsOf(program).filter((each) => each.line < line.line);
    return line.operands.slice(first).flatMap((operand, i) =>
      registersIn(operand).flatMap((register): readonly Replacement[] => {
        const other = earlier.findLast(
          (each) =>
            each.register !== register &&
            kindOf(each.register) === kindOf(register) &&
            // A copy of the register is no other value.
            originOf(program, each.register, line.line) !== originOf(program, register, line.line),
        )?.register;
        if (other === undefined) return [];
        const pattern = new RegExp(`${register}(?!\\d)`);
        return [{ operands: replaced(line.operands, first + i, operand.replace(pattern, other)) }];
      }),
    );
  },
);

const wrongHalf = onLines(
  'wrong-half',
  'the halves of a packed register are mixed up',
  ({ opcode, operands }) => {
    if (headOf(opcode) === 'mov') {
      const at = operands.findIndex((operand) => operand.startsWith('{'));
      if (at < 0) return [];
      return [{ operands: replaced(operands, at, vectorOf([...itemsOf(operands[at]!)].reverse())) }];
    }
    const packs =
      headOf(opcode) === 'cvt' && operands.length === 3 && wordsOf(opcode).some((word) => /x2$/.test(word));
    return packs ? [{ operands: [operands[0]!, operands[2]!, operands[1]!] }] : [];
  },
);

export const MEMORY = [dropStore, shiftAddress, wrongVector, wrongSpecial, staleRegister, wrongHalf] as const;
