import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseExpr } from '../../../src/device/launch-expr-parse.js';
import {
  evaluateExpr,
  expr,
  exprDims,
  LAUNCH_OPERATIONS,
  printExpr,
  type LaunchExpr,
} from '../../../src/device/launch-expr.js';
import { evaluateGrid } from '../../../src/device/launch-grid.js';
import type { LaunchRule } from '../../../src/device/manifest.js';
import { RoseError } from '../../../src/util/errors.js';

const leaf: fc.Arbitrary<LaunchExpr> = fc.oneof(
  fc.integer({ min: -1000, max: 1000 }).map(expr.const),
  fc.constantFrom('tokens', 'hidden', 'k').map(expr.dim),
  fc.constant(expr.smCount()),
  fc.nat(3).map((axis) => expr.stride('x', axis)),
);
const expression = fc.letrec<{ node: LaunchExpr }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 5 },
    leaf,
    fc
      .tuple(fc.constantFrom(...LAUNCH_OPERATIONS), tie('node'), tie('node'))
      .map(([op, a, b]) => expr.binary(op, a, b)),
  ),
})).node;

/** The same arithmetic on integers without end. */
function reference(node: LaunchExpr, dims: Record<string, number>): bigint {
  switch (node.kind) {
    case 'const':
      return BigInt(node.value);
    case 'dim':
      return BigInt(dims[node.name]!);
    case 'binary': {
      const [a, b] = [reference(node.left, dims), reference(node.right, dims)];
      const floor = (p: bigint, q: bigint): bigint => (p - (((p % q) + q) % q)) / q;
      return {
        add: () => a + b,
        sub: () => a - b,
        mul: () => a * b,
        div: () => floor(a, b),
        ceilDiv: () => -floor(-a, b),
        mod: () => a - floor(a, b) * b,
        min: () => (a < b ? a : b),
        max: () => (a > b ? a : b),
      }[node.op]();
    }
    default:
      throw new Error(node.kind);
  }
}

describe('evaluateExpr', () => {
  test('agrees with exact integers, or refuses', () => {
    const big = fc.oneof(fc.nat(10_000), fc.nat({ max: Number.MAX_SAFE_INTEGER }));
    const small = fc.integer({ min: -7, max: 7 });
    const tree = fc.letrec<{ node: LaunchExpr }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 3 },
        fc.constantFrom('a', 'b').map(expr.dim),
        small.map(expr.const),
        fc
          .tuple(fc.constantFrom(...LAUNCH_OPERATIONS), tie('node'), tie('node'))
          .map(([op, a, b]) => expr.binary(op, a, b)),
      ),
    })).node;
    let evaluated = 0;
    fc.assert(
      fc.property(tree, big, big, (node, a, b) => {
        const dims = { a, b };
        let actual: number;
        try {
          actual = evaluateExpr(node, { dims });
        } catch (error) {
          expect(error).toMatchObject({ code: 'LAUNCH_GUARD' });
          return;
        }
        evaluated += 1;
        expect(Object.is(actual, -0)).toBe(false);
        expect(BigInt(actual)).toBe(reference(node, dims));
      }),
      { numRuns: 3000 },
    );
    expect(evaluated).toBeGreaterThan(1500);
  });

  test('is exact beyond 2^31', () => {
    const rows = expr.ceilDiv(expr.mul(expr.dim('tokens'), expr.dim('hidden')), expr.const(1024));
    expect(evaluateExpr(rows, { dims: { tokens: 1_000_003, hidden: 131_072 } })).toBe(128_000_384);
    expect(
      evaluateExpr(expr.mul(expr.dim('tokens'), expr.dim('hidden')), {
        dims: { tokens: 3_000_000_000, hidden: 3 },
      }),
    ).toBe(9_000_000_000);
  });

  test.each([
    ['a negative dim', expr.dim('n'), { n: -1 }],
    ['a fractional dim', expr.dim('n'), { n: 1.5 }],
    ['a dim that is no number', expr.dim('n'), { n: NaN }],
    ['a dim that was not given', expr.dim('tokens'), { n: 1 }],
    ['a product beyond 2^53', expr.mul(expr.dim('n'), expr.dim('n')), { n: 2 ** 30 }],
    ['a zero divisor', expr.ceilDiv(expr.const(1), expr.dim('n')), { n: 0 }],
    ['an unknown SM count', expr.smCount(), { n: 0 }],
    ['an unknown stride', expr.stride('x', 0), { n: 0 }],
  ])('refuses %s', (_, node, dims) => {
    expect(() => evaluateExpr(node, { dims })).toThrow(expect.objectContaining({ code: 'LAUNCH_GUARD' }));
  });

  test('reads the SM count and strides where they are given', () => {
    const values = { dims: {}, smCount: 132, strides: { x: [4096, 1] } };
    expect(evaluateExpr(parseExpr('smCount * 2 + stride(x, 0)'), values)).toBe(4360);
  });
});

describe('text form', () => {
  test('reads like arithmetic and keeps the brackets that matter', () => {
    expect(printExpr(parseExpr('ceilDiv(tokens,4)*smCount'))).toBe('ceilDiv(tokens, 4) * smCount');
    expect(printExpr(parseExpr('a-(b-c)'))).toBe('a - (b - c)');
    expect(printExpr(parseExpr('(a-b)-c'))).toBe('a - b - c');
    expect(printExpr(parseExpr('(a + b) * -3'))).toBe('(a + b) * (-3)');
    expect(printExpr(parseExpr('min(a, max(b, 1)) % 7'))).toBe('min(a, max(b, 1)) % 7');
  });

  test('printing and parsing are inverse', () => {
    fc.assert(
      fc.property(expression, (node) => expect(parseExpr(printExpr(node))).toEqual(node)),
      { numRuns: 2000 },
    );
  });

  test.each([
    ['', 1],
    ['tokens +', 9],
    ['tokens + * 2', 10],
    ['pow(a, 2)', 5],
    ['min(a)', 6],
    ['a b', 3],
    ['(a', 3],
    ['9007199254740993', 1],
    ['a $ b', 3],
    ['stride(x, y)', 11],
  ])('%p is refused at column %p', (text, column) => {
    expect(() => parseExpr(text)).toThrow(
      expect.objectContaining({
        code: 'MANIFEST_INVALID',
        place: expect.objectContaining({ column }) as unknown,
      }),
    );
  });

  test('any text parses or is refused with a RoseError, however deep', () => {
    const text = fc.oneof(fc.string(), fc.stringMatching(/^[-a-c0-9+*/%(), ]{0,40}$/));
    const attempt = (source: string): void => {
      try {
        parseExpr(source);
      } catch (error) {
        expect(error).toBeInstanceOf(RoseError);
      }
    };
    fc.assert(fc.property(text, attempt), { numRuns: 3000 });
    expect(() => parseExpr('('.repeat(100_000))).toThrow(RoseError);
  });

  test('exprDims names each dimension once', () => {
    expect(exprDims(parseExpr('ceilDiv(tokens, 4) * tokens + hidden - smCount'))).toEqual([
      'tokens',
      'hidden',
    ]);
  });
});

describe('evaluateGrid', () => {
  const rule = (grid: string, cluster = 1): LaunchRule => ({
    grid: [parseExpr(grid), expr.const(1), expr.const(1)],
    block: [256, 1, 1],
    cluster: [cluster, 1, 1],
    sharedMemoryBytes: 0,
    pdl: false,
    cooperative: false,
  });

  test('gives the grid, and nothing where there are no rows', () => {
    expect(evaluateGrid(rule('ceilDiv(tokens, 4)'), { dims: { tokens: 9 } })).toEqual([3, 1, 1]);
    expect(evaluateGrid(rule('ceilDiv(tokens, 4)'), { dims: { tokens: 0 } })).toBeUndefined();
    expect(evaluateGrid(rule('min(tokens, smCount)'), { dims: { tokens: 1000 }, smCount: 148 })).toEqual([
      148, 1, 1,
    ]);
  });

  test('refuses what the hardware cannot launch', () => {
    const refused = expect.objectContaining({ code: 'LAUNCH_GUARD' });
    expect(() => evaluateGrid(rule('tokens'), { dims: { tokens: 2 ** 31 } })).toThrow(refused);
    expect(() => evaluateGrid(rule('tokens - 5'), { dims: { tokens: 4 } })).toThrow(refused);
    expect(() => evaluateGrid(rule('tokens', 2), { dims: { tokens: 3 } })).toThrow(refused);
    expect(evaluateGrid(rule('tokens', 2), { dims: { tokens: 4 } })).toEqual([4, 1, 1]);
  });
});
