/** Mutations of what is computed: operations, operands, constants, shuffles, conversions. */

import { headOf, itemsOf, hasResult, wordsOf } from './program.js';
import { onLines, replaced, swapped } from './operator.js';

/** Comparisons that are not symmetric. */
const ORDERED = /^(lt|le|gt|ge|ltu|leu|gtu|geu|lo|ls|hi|hs)$/;

const swapOperands = onLines(
  'swap-operands',
  'operands of an operation that does not commute are exchanged',
  ({ opcode, operands }) => {
    const [head, compare] = wordsOf(opcode);
    const swaps =
      ['sub', 'div', 'rem', 'selp', 'copysign'].includes(head!) ||
      (head === 'setp' && ORDERED.test(compare!) && operands.length === 3);
    return swaps ? [{ operands: swapped(operands, 1, 2) }] : [];
  },
);

type Rewrite = readonly [pattern: RegExp, opcode: string, operands?: number];

/** An opcode, what it becomes, and how many operands that has. */
const OTHER_OPERATION: readonly Rewrite[] = [
  [/^add\.(.*)$/, 'sub.$1'],
  [/^sub\.(.*)$/, 'add.$1'],
  [/^mul\.lo\.(.*)$/, 'add.$1'],
  [/^mul\.(?!lo|hi|wide)(.*)$/, 'add.$1'],
  [/^max\.(.*)$/, 'min.$1'],
  [/^min\.(.*)$/, 'max.$1'],
  [/^fma\.(r.\.f32(?:x2)?)$/, 'mul.$1', 3],
  [/^mad\.lo\.(.*)$/, 'mul.lo.$1', 3],
  [/^and\.(.*)$/, 'or.$1'],
  [/^or\.(.*)$/, 'and.$1'],
  [/^abs\.(.*)$/, 'neg.$1'],
  [/^neg\.(.*)$/, 'abs.$1'],
  [/^rsqrt\.approx\.f32$/, 'sqrt.approx.f32'],
  [/^sqrt\.rn\.f32$/, 'rcp.rn.f32'],
  [/^rcp\.approx(\.ftz)?\.f32$/, 'rsqrt.approx$1.f32'],
  [/^ex2\.approx(\.ftz)?\.f32$/, 'lg2.approx$1.f32'],
  [/^shl\.b(\d+)$/, 'shr.u$1'],
  [/^shr\.[su](\d+)$/, 'shl.b$1'],
];

const replaceOperation = onLines(
  'replace-operation',
  'another operation of the same form, or an addend left out',
  ({ opcode, operands }) =>
    OTHER_OPERATION.filter(([pattern]) => pattern.test(opcode)).map(([pattern, next, count]) => ({
      opcode: opcode.replace(pattern, next),
      operands: operands.slice(0, count),
    })),
);

const view = new DataView(new ArrayBuffer(4));

function floatLiteral(value: number): string {
  view.setFloat32(0, value);
  return `0f${view.getUint32(0).toString(16).toUpperCase().padStart(8, '0')}`;
}

const floatConstant = onLines(
  'float-constant',
  'a float constant is doubled, one more, or of the other sign',
  ({ operands }) =>
    operands.flatMap((operand, at) => {
      const bits = /^0f([0-9a-fA-F]{8})$/.exec(operand)?.[1];
      if (bits === undefined) return [];
      view.setUint32(0, parseInt(bits, 16));
      const value = view.getFloat32(0);
      const others = [value * 2, value + 1, -value].filter(
        (other) => other !== value && !Number.isNaN(other),
      );
      return others.map((other) => ({ operands: replaced(operands, at, floatLiteral(other)) }));
    }),
);

const INTEGER = /^(-?\d+|0x[0-9a-fA-F]+U?)$/;
/** Their integers are amounts, lanes, barriers and groups, which other operators change. */
const OWN_INTEGERS = new Set(['shl', 'shr', 'shf', 'shfl', 'bar', 'barrier', 'cp', 'mbarrier', 'bra']);

const integerConstant = onLines(
  'integer-constant',
  'an integer constant is one more or one less',
  ({ opcode, operands }) =>
    OWN_INTEGERS.has(headOf(opcode))
      ? []
      : operands.flatMap((operand, at) => {
          // Of a byte permutation it is the selector that counts.
          if (at === 0 || !INTEGER.test(operand) || (headOf(opcode) === 'prmt' && at !== 3)) return [];
          const value = Number(operand.replace(/U$/, ''));
          if (!Number.isSafeInteger(value)) return [];
          return [1, -1].map((step) => ({ operands: replaced(operands, at, String(value + step)) }));
        }),
);

const shiftAmount = onLines('shift-amount', 'a shift is by one more or one less', ({ opcode, operands }) => {
  const amount = Number(operands[2]);
  return /^sh[lr]\./.test(opcode) && Number.isInteger(amount)
    ? [1, -1].map((step) => ({ operands: replaced(operands, 2, String(amount + step)) }))
    : [];
});

const wrongShuffle = onLines(
  'wrong-shuffle',
  'a shuffle reads another lane or another way',
  ({ opcode, operands }) => {
    if (!opcode.startsWith('shfl.sync.')) return [];
    const lane = Number(operands[2]);
    const modes = opcode.includes('.bfly.') ? ['.down.', '.up.', '.idx.'] : [];
    const lanes = opcode.includes('.bfly.') ? [lane / 2, lane * 2] : [lane + 1];
    return [
      ...modes.map((mode) => ({ opcode: opcode.replace('.bfly.', mode) })),
      ...lanes
        .filter((other) => Number.isInteger(other) && other < 32)
        .map((other) => ({ operands: replaced(operands, 2, String(other)) })),
    ];
  },
);

const wrongRounding = onLines('wrong-rounding', 'a conversion rounds another way', ({ opcode }) => {
  if (headOf(opcode) !== 'cvt') return [];
  const others: Readonly<Record<string, string>> = { rn: 'rz', rni: 'rzi', rzi: 'rni', rz: 'rn' };
  const words = wordsOf(opcode);
  const at = words.findIndex((word) => word in others);
  return at < 0 ? [] : [{ opcode: words.map((word, i) => (i === at ? others[word]! : word)).join('.') }];
});

const wrongFormat = onLines(
  'wrong-format',
  'a conversion reads or writes another format of the same width',
  ({ opcode }) => {
    const others: Readonly<Record<string, string>> = {
      bf16: 'f16',
      f16: 'bf16',
      bf16x2: 'f16x2',
      f16x2: 'bf16x2',
      e4m3x2: 'e5m2x2',
      e5m2x2: 'e4m3x2',
    };
    if (headOf(opcode) !== 'cvt') return [];
    const words = wordsOf(opcode);
    const at = words.findIndex((word) => word in others);
    return at < 0 ? [] : [{ opcode: words.map((word, i) => (i === at ? others[word]! : word)).join('.') }];
  },
);

const dropModifier = onLines('drop-modifier', 'saturation, or the propagation of NaN, is missing', (line) => {
  const words = wordsOf(line.opcode);
  // A conversion to fp8 is not legal without its saturation.
  const droppable = words.some((word) => /^e\dm\d/.test(word)) ? ['NaN'] : ['sat', 'satfinite', 'NaN'];
  const kept = words.filter((word) => !droppable.includes(word));
  return hasResult(line) && kept.length < words.length ? [{ opcode: kept.join('.') }] : [];
});

const wrongPermute = onLines(
  'wrong-permute',
  'a byte permutation takes its operands in the other order',
  ({ opcode, operands }) =>
    headOf(opcode) === 'prmt' && itemsOf(operands[1]!).length === 1
      ? [{ operands: swapped(operands, 1, 2) }]
      : [],
);

export const ARITHMETIC = [
  swapOperands,
  replaceOperation,
  floatConstant,
  integerConstant,
  shiftAmount,
  wrongShuffle,
  wrongRounding,
  wrongFormat,
  dropModifier,
  wrongPermute,
] as const;
