import fc from 'fast-check';
import { EvaluationError, evaluate } from '../../../src/plan/evaluate.js';
import {
  parseExpression,
  printExpression,
  type BinaryOperator,
  type Expression,
} from '../../../src/plan/expression.js';
import type { JsonValue } from '../../../src/plan/json-tree.js';

const scope: Readonly<Record<string, JsonValue>> = {
  hidden: 4096,
  heads: 32,
  head_dim: null,
  act: 'silu',
  tied: true,
  'rope.theta': 10000,
  layers: ['full', 'linear', 'linear'],
};

function parse(text: string): Expression {
  const parsed = parseExpression(text);
  if (!parsed.ok) throw new Error(`${parsed.problem.start}: ${parsed.problem.expected}`);
  return parsed.expression;
}

function value(text: string): JsonValue {
  return evaluate(parse(text), (name) => scope[name]!);
}

function problem(text: string) {
  try {
    value(text);
  } catch (error) {
    if (error instanceof EvaluationError) return error.problem;
    throw error;
  }
  throw new Error('nothing was raised');
}

test.each<[string, JsonValue]>([
  ['head_dim ?? hidden / heads', 128],
  ['hidden ?? 1', 4096],
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['10 - 3 - 2', 5],
  ['24 / 4 / 2', 3],
  ['-2 * -3', 6],
  ['7 % 4', 3],
  ['2.5 * 2', 5],
  ['div(7, 2)', 3],
  ['rope.theta', 10000],
  ['length(layers) - 1', 2],
  ["count(layers, 'linear')", 2],
  ["act == 'silu' && !(heads > 32) || false", true],
  ["act != 'silu' || hidden >= 4096", true],
  ['tied && heads < 32', false],
  ['head_dim == null ? 1 : 2', 1],
  ['tied ? !tied ? 1 : 2 : 3', 2],
  ['false && head_dim > 1', false],
  ['(heads <= 32) == true', true],
])('%s is %j', (text, expected) => {
  expect(value(text)).toEqual(expected);
});

test.each([
  ['', 0, 'the end of the expression'],
  ['hidden +', 8, 'the end of the expression'],
  ['hidden hidden', 7, '"hidden"'],
  ['(hidden', 7, 'the end of the expression'],
  ['eval(hidden)', 0, 'eval'],
  ['toString(hidden)', 0, 'toString'],
  ['length(layers, 1)', 0, '2'],
  ['hidden; heads', 6, '";"'],
  ["act == 'silu", 7, '"\'"'],
  ['a = b', 2, '"="'],
  ['heads <= 32 == true', 12, '"=="'],
  ['hidden.', 6, '"."'],
])('%j does not parse, at %d', (text, start, actual) => {
  expect(parseExpression(text)).toMatchObject({ ok: false, problem: { start, actual } });
});

test('nesting has an end', () => {
  for (const deep of [
    `${'('.repeat(500)}1${')'.repeat(500)}`,
    `${'-'.repeat(500)}1`,
    `${'1?1:'.repeat(500)}1`,
  ]) {
    expect(parseExpression(deep)).toMatchObject({ ok: false });
  }
});

test('what is missing in the config is told from what is wrong in the recipe', () => {
  expect(problem('head_dim * 2')).toMatchObject({
    fault: 'config',
    message: expect.stringContaining('head_dim'),
  });
  expect(problem('hidden / 30')).toMatchObject({ fault: 'config', actual: '4096 / 30' });
  expect(problem('hidden % 0')).toMatchObject({ fault: 'config', message: expect.stringContaining('zero') });
  expect(problem('act * 2')).toMatchObject({ fault: 'recipe', actual: '"silu"', expected: 'a number' });
  expect(problem('heads && tied')).toMatchObject({ fault: 'recipe', expected: 'true or false' });
  expect(problem('length(heads)')).toMatchObject({ fault: 'recipe', expected: 'a list' });
});

test('any text parses or gives a place inside it', () => {
  const alphabet = [
    'hidden',
    ' ',
    '?',
    '??',
    ':',
    '(',
    ')',
    '!',
    '-',
    '&&',
    '||',
    '==',
    '1',
    "'a'",
    '.',
    'length',
    ',',
    '"',
    '$',
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...alphabet), { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      const parsed = parseExpression(text);
      if (!parsed.ok) {
        expect(parsed.problem.start).toBeGreaterThanOrEqual(0);
        expect(parsed.problem.start + parsed.problem.length).toBeLessThanOrEqual(text.length);
      }
    }),
    { numRuns: 2000 },
  );
});

test('a printed expression parses to the same tree', () => {
  const at = { start: 0, length: 0 };
  const leaf: fc.Arbitrary<Expression> = fc.oneof(
    fc.nat(99).map((number): Expression => ({ kind: 'constant', value: number, ...at })),
    fc.constantFrom('a', 'b.c').map((name): Expression => ({ kind: 'name', name, ...at })),
    fc
      .constantFrom<string | boolean | null>('x y', true, null)
      .map((constant): Expression => ({ kind: 'constant', value: constant, ...at })),
  );
  const operators: readonly BinaryOperator[] = ['??', '||', '&&', '==', '<', '+', '-', '*', '/', '%'];
  const { tree } = fc.letrec<{ tree: Expression }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc
        .tuple(fc.constantFrom(...operators), tie('tree'), tie('tree'))
        .map(([op, left, right]): Expression => ({ kind: 'binary', op, left, right, ...at })),
      fc.tuple(tie('tree'), tie('tree'), tie('tree')).map(([condition, then, otherwise]): Expression => ({
        kind: 'choice',
        condition,
        then,
        otherwise,
        ...at,
      })),
      fc
        .tuple(fc.constantFrom('!' as const, '-' as const), tie('tree'))
        .map(([op, operand]): Expression => ({ kind: 'unary', op, operand, ...at })),
      fc
        .tuple(tie('tree'), tie('tree'))
        .map(([a, b]): Expression => ({ kind: 'call', name: 'div', args: [a, b], ...at })),
    ),
  }));
  const bare = (expression: Expression): string =>
    JSON.stringify(expression, (key, field: unknown) =>
      key === 'start' || key === 'length' ? undefined : field,
    );
  fc.assert(
    fc.property(tree, (expression) =>
      expect(bare(parse(printExpression(expression)))).toBe(bare(expression)),
    ),
  );
});
