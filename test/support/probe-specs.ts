/** Small specs on the edges of the language: those in `LEGAL` are accepted, those in `REFUSED` name what is wrong. */

const spec = (dims: string, tensors: readonly string[], formula: readonly string[], more = ''): string =>
  `kernel: probe
doc: Probes an edge of the language.
dims: ${dims}
${more}tensors:
${tensors.map((tensor) => `  ${tensor}`).join('\n')}
formula: |
${formula.map((line) => `  ${line}`).join('\n')}
`;

/** Two sections, `a` over `ah` heads and `b` over `bh`. */
const sections = (tensors: readonly string[], a: readonly string[], b: readonly string[]): string =>
  `kernel: probe
doc: Probes sections.
dims: { tokens: dynamic, ah: static, bh: static, head: static, heads: { sections: { a: ah, b: bh } } }
tensors:
${tensors.map((tensor) => `  ${tensor}`).join('\n')}
formula:
  a: |
${a.map((line) => `    ${line}`).join('\n')}
  b: |
${b.map((line) => `    ${line}`).join('\n')}
`;

const ROWS = '{ tokens: dynamic, h: static }';
const PAIRS = '{ tokens: dynamic, two: 2, half: static }';
const X = 'x: { shape: [tokens, h], dtype: f32 }';
const OUT = 'out: { shape: [tokens, h], dtype: f32, access: out }';
const PLACE = 'x: { shape: [tokens, h], dtype: f32, access: inout }';
const IDS = 'ids: { shape: [tokens], dtype: i32 }';
const PAIR = 'x: { shape: [tokens, two*half], dtype: f32 }';
const PAIR_OUT = 'out: { shape: [tokens, two*half], dtype: f32, access: out }';
const PAIR_PLACE = 'x: { shape: [tokens, two*half], dtype: f32, access: inout }';
const HEADS = 'x: { shape: [tokens, heads, head], dtype: f32 }';
const HEADS_OUT = 'out: { shape: [tokens, heads, head], dtype: f32, access: out }';
/** Elements that each position of tokens and two chooses along h. */
const CHOSEN = [
  'at: { shape: [tokens, two], dtype: i32 }',
  'n: { shape: [tokens, two, h], dtype: f32, access: inout }',
];
const CHOICES = '{ tokens: dynamic, two: 2, h: static }';
const HEADS_PLACE = 'x: { shape: [tokens, heads, head], dtype: f32, access: inout }';

export const LEGAL: Readonly<Record<string, string>> = {
  'a rotation in place within a row': spec(
    PAIRS,
    [PAIR_PLACE, 'c: { shape: [tokens, half], dtype: f32 }'],
    ['x = x * c + x[two: 1 - two]'],
  ),
  'a residual in place': spec(ROWS, [PLACE, OUT], ['h2 = x * 2.0', 'x = h2', 'out = h2']),
  'a norm in place': spec(ROWS, [PLACE], ['x = x * rsqrt(mean[h](x * x) + 1.0e-6)']),
  'an update of rows by their maximum': spec(
    ROWS,
    [X, 's: { shape: [tokens], dtype: f32, access: inout }'],
    ['s = max(s, max[h](x))'],
  ),
  'one half in place': spec(PAIRS, [PAIR_PLACE], ['x[two: 0] = x[two: 0] * 2.0']),
  'an element that its row chooses, in place': spec(ROWS, [IDS, PLACE], ['x[h: ids] = x[h: ids] + 1.0']),
  'a chosen element in place, by a local and a condition': spec(
    ROWS,
    [IDS, PLACE, 'old: { shape: [tokens], dtype: f32, access: out }'],
    ['at = ids / 2', 'v = x[h: at]', 'old = v', 'x[h: at] = v * 2.0 where ids > 3'],
  ),
  'an element that each position of two axes chooses': spec(CHOICES, CHOSEN, ['n[h: at] = n[h: at] + 1.0']),
  'an element of each row at a place given at launch, in place': spec(
    ROWS,
    [PLACE],
    ['x[h: start] = x[h: start] + 1.0'],
    'params: { start: i32 }\n',
  ),
  'a cache that is written alone': spec(
    '{ tokens: dynamic, slots: dynamic, h: static }',
    [X, 'slot: { shape: [tokens], dtype: i32 }', 'k: { shape: [slots, h], dtype: f32, access: inout }'],
    ['k[slots: slot] = x where slot >= 0'],
  ),
  'a write from a place given at launch': spec(
    '{ tokens: dynamic, slots: dynamic, h: static }',
    [X, 'k: { shape: [slots, h], dtype: f32, access: inout }'],
    ['k[slots: start + index(tokens)] = x'],
    'params: { start: i64 }\n',
  ),
  'a write at the own position': spec(ROWS, [X, OUT], ['out[tokens: tokens] = x']),
  'parts of a cut dimension in place': sections(
    [HEADS_PLACE, 'b_out: { shape: [tokens, bh, head], dtype: f32, access: out }'],
    ['x = x * 2.0'],
    ['b_out = x'],
  ),
  'a merged entry that is cut': sections(
    [HEADS, 'out: { shape: [tokens, heads*head], dtype: f32, access: out }'],
    ['out = x'],
    ['out = x * 2.0'],
  ),
};

/** What is refused, the code, and a part of the message and of what there is. */
export const REFUSED: readonly (readonly [
  what: string,
  text: string,
  code: string,
  message: string,
  actual?: string,
])[] = [
  [
    'a gather from what is updated in place',
    spec(ROWS, [IDS, PLACE], ['x = x[tokens: ids] * 2.0']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place and read at elements that other threads write',
  ],
  [
    'a neighbour of what is updated in place',
    spec(ROWS, [PLACE], ['x = x[tokens: tokens - 1] * 2.0']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place',
  ],
  [
    'a constant position of what is updated in place',
    spec(PAIRS, [PAIR_PLACE], ['x = x + x[two: 0]']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place',
  ],
  [
    'the other half of what is updated in place',
    spec(PAIRS, [PAIR_PLACE], ['x[two: 0] = x[two: 1] * 2.0']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place',
  ],
  [
    'the whole of a row of which a half is updated in place',
    spec(PAIRS, [PAIR_PLACE], ['x[two: 0] = sum[two](x)']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place',
  ],
  ...(['mean[tokens in o](x)', 'mean[tokens in o](y)'] as const).map(
    (range) =>
      [
        `a range of rows updated in place, ${range}`,
        spec(
          '{ tokens: dynamic, s: dynamic, h: static }',
          ['o: { shape: [s+1], dtype: i32 }', PLACE, 'm: { shape: [s, h], dtype: f32, access: out }'],
          [
            'y = x * 3.0',
            `m = ${range} + 0.0 * ${range.replace('(y)', '(y + 1.0)').replace('(x)', '(y)')}`,
            'x = y',
          ],
        ),
        'FORMULA_UNSUPPORTED',
        'x is updated in place',
      ] as const,
  ),
  [
    'a scatter into what is read',
    spec(ROWS, [IDS, PLACE], ['x[tokens: ids] = x * 2.0']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place',
  ],
  ...(
    [
      ['at another index', ['x[h: ids] = x[h: ids + 1] * 2.0'], 'another index along h'],
      ['at an index of no write', ['x[h: ids] = x[h: ids, tokens: ids]'], 'another index along tokens'],
      ['as a whole', ['x[h: ids] = sum[h](x)'], 'sum over h'],
      ['by two statements', ['v = x[h: ids]', 'x[h: ids] = v', 'x[h: 3 - ids] = v'], '2 statements'],
    ] as const
  ).map(
    ([how, formula, actual]) =>
      [
        `an element that its row chooses, read or written ${how}`,
        spec(ROWS, [IDS, PLACE], formula),
        'FORMULA_UNSUPPORTED',
        'x is updated in place and read at elements that other threads write',
        actual,
      ] as const,
  ),
  ...(
    [
      ['in a sum over its rows', ['n[h: at] = n[h: at] + sum[two](n[h: at])'], 'sum over two'],
      ['at another position', ['v = n[h: at]', 'n[h: at] = v[two: 1 - two]'], 'another position of two'],
    ] as const
  ).map(
    ([how, formula, actual]) =>
      [
        `a chosen element in place, read ${how}`,
        spec(CHOICES, CHOSEN, formula),
        'FORMULA_UNSUPPORTED',
        'n is updated in place and read at elements that other threads write',
        actual,
      ] as const,
  ),
  [
    'elements that several rows may choose, in place',
    spec(
      ROWS,
      [X, IDS, 'w: { shape: [h], dtype: f32, access: inout }', OUT],
      ['w[h: ids] = w[h: ids] + 1.0', 'out = x'],
    ),
    'FORMULA_UNSUPPORTED',
    'w is updated in place and read at elements that other threads write',
    'several positions of tokens may have one element, as w has no axis tokens',
  ],
  [
    'an element that its row chooses, shared by threads that write more',
    spec(ROWS, [IDS, X, PLACE.replace('x:', 'n:'), OUT], ['n[h: ids] = n[h: ids] + 1.0', 'out = x']),
    'FORMULA_UNSUPPORTED',
    'n is updated in place and shared by all positions of h',
  ],
  [
    'a scalar of a row, updated while its row reads it',
    spec(ROWS, [X, 's: { shape: [tokens], dtype: f32, access: inout }', OUT], ['s = s * 2.0', 'out = x * s']),
    'FORMULA_UNSUPPORTED',
    's is updated in place and shared by all positions of h',
  ],
  [
    'a weight updated by every row',
    spec(ROWS, [X, 'w: { shape: [h], dtype: f32, access: inout }', OUT], ['w = w * 2.0', 'out = x']),
    'FORMULA_UNSUPPORTED',
    'w is updated in place and shared by all positions of tokens',
  ],
  [
    'a tensor that another section writes',
    sections(
      ['s: { shape: [tokens], dtype: f32, access: inout }', HEADS, HEADS_OUT],
      ['s = s * 2.0', 'out = x'],
      ['out = x * s'],
    ),
    'FORMULA_UNSUPPORTED',
    's is',
  ],
  [
    'a tensor written in a section that reads nothing of it',
    sections(
      [
        's: { shape: [tokens], dtype: f32, access: inout }',
        HEADS,
        'out: { shape: [tokens, bh, head], dtype: f32, access: out }',
      ],
      ['s = sum[ah](sum[head](x))'],
      ['out = x * s'],
    ),
    'FORMULA_UNSUPPORTED',
    's is read in section b and written in section a',
  ],
  [
    'heads of a section in another order, in place',
    sections([HEADS_PLACE], ['x = x[ah: 255 - ah]'], ['x = x * 2.0']),
    'FORMULA_UNSUPPORTED',
    'x is updated in place',
  ],
  [
    'a permuted write',
    spec(PAIRS, [PAIR, PAIR_OUT], ['out[two: 1 - two] = x']),
    'FORMULA_UNSUPPORTED',
    'a write cannot move along two',
  ],
  [
    'a write at a computed position',
    spec(PAIRS, [PAIR, PAIR_OUT], ['out[two: (two + 1) % 2] = x']),
    'FORMULA_UNSUPPORTED',
    'a write cannot move along two',
  ],
  [
    'a write at a position that a local holds',
    spec(PAIRS, [PAIR, PAIR_OUT], ['p = 1 - index(two)', 'out[two: p] = x']),
    'FORMULA_UNSUPPORTED',
    'a write cannot move along two',
  ],
  [
    'a write along another dimension',
    spec(
      '{ tokens: dynamic, a: 4, b: 4 }',
      ['x: { shape: [tokens, b], dtype: f32 }', 'out: { shape: [tokens, a], dtype: f32, access: out }'],
      ['out[a: 3 - b] = x'],
    ),
    'FORMULA_UNSUPPORTED',
    'a write cannot move along a',
  ],
  [
    'half of an output',
    spec(PAIRS, [PAIR, PAIR_OUT], ['out[two: 0] = x[two: 1]']),
    'FORMULA_TYPE',
    'out is written in part',
  ],
  [
    'an output without its last element',
    spec(ROWS, [X, 'out: { shape: [tokens+1], dtype: f32, access: out }'], ['out = sum[h](x)']),
    'FORMULA_TYPE',
    'out is written in part',
  ],
  [
    'an output that one section leaves out',
    sections(
      [HEADS, HEADS_OUT, 'b_out: { shape: [tokens, bh, head], dtype: f32, access: out }'],
      ['out = x'],
      ['b_out = x'],
    ),
    'FORMULA_TYPE',
    'out is never written in section b',
  ],
  [
    'a negative position of a dynamic dimension',
    spec(ROWS, [X, 'out: { shape: [h], dtype: f32, access: out }'], ['out = x[tokens: -1]']),
    'FORMULA_TYPE',
    'the index along tokens is negative',
  ],
  [
    'an unused dimension',
    spec('{ tokens: dynamic, h: static, spare: h }', [X, OUT], ['out = x']),
    'FORMULA_TYPE',
    'the dimension spare is declared and never used',
  ],
  [
    'an unused type',
    spec(ROWS, [X, OUT], ['out = x'], 'types: { T: [f16, bf16] }\n'),
    'FORMULA_TYPE',
    'the type T is declared and never used',
  ],
  [
    'an unused flag',
    spec(ROWS, [X, OUT], ['out = x'], 'flags: { spare: [true, false] }\n'),
    'FORMULA_TYPE',
    'the flag spare is declared and never used',
  ],
  [
    'an unused param',
    spec(ROWS, [X, OUT], ['out = x'], 'params: { spare: f32 }\n'),
    'FORMULA_TYPE',
    'the param spare is declared and never used',
  ],
  [
    'an unknown name where flags never look',
    spec(ROWS, [X, OUT], ['out = select(f, x, nonsense)'], 'flags: { f: [true] }\n'),
    'FORMULA_NAME',
    'nonsense',
  ],
  [
    'an unknown function where flags never look',
    spec(ROWS, [X, OUT], ['out = select(f, x, nonsense(x))'], 'flags: { f: [true] }\n'),
    'FORMULA_NAME',
    'nonsense',
  ],
  [
    'a local that bears the name of a flag',
    spec(ROWS, [X, OUT], ['f = x', 'out = select(f, x, x)'], 'flags: { f: [true] }\n'),
    'SPEC_NAME',
    'f is declared twice',
  ],
  [
    'a name used before its value',
    spec(ROWS, [X, OUT], ['out = y', 'y = x * 2.0']),
    'FORMULA_NAME',
    'y is used before it has a value',
  ],
  [
    'a local that nothing uses',
    spec(ROWS, [X, OUT], ['outt = x', 'out = x']),
    'FORMULA_TYPE',
    'outt is computed and never used',
  ],
  ['blocks of one', spec(ROWS, [X, OUT], ['out = max[h by 1](x)']), 'FORMULA_TYPE', 'a block of one element'],
];
