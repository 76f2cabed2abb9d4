/** cuBLASLt behind its handle: a column-major fake against row-major sums, plans and their keys, guards, ends. */

import { afterEach, describe, expect, test } from '@jest/globals';
import {
  decode,
  DeviceTensor,
  encode,
  openCuda,
  openGemm,
  type GemmProblem,
} from '../../../src/runtime/index.js';
import { FakeCublasLt } from '../../support/fake-cublaslt.js';
import { fakeDriver } from './helpers.js';

type Tensor = DeviceTensor;

async function open(options: { readonly plans?: number; readonly workspaceBytes?: number } = {}) {
  const driver = fakeDriver();
  const device = await openCuda({ driver });
  const lt = new FakeCublasLt(driver);
  const gemm = await openGemm(device, { library: lt.library, ...options });
  const tensor = (dtype: string, shape: readonly number[], values?: readonly number[]): Tensor =>
    DeviceTensor.create(device, dtype, shape, values ? { values } : {});
  opened.push(() => {
    gemm.close();
    device.close();
    expect(lt.live).toEqual({});
    expect(driver.live).toEqual({});
  });
  return { driver, device, lt, gemm, tensor };
}

const opened: (() => void)[] = [];
afterEach(() => {
  for (const close of opened.splice(0)) close();
});

const bf16 = { a: 'bf16', b: 'bf16', out: 'bf16' } as const;
const SMALL: GemmProblem = { m: 3, n: 4, k: 5, types: bf16 };

/** Small whole numbers, which every dtype holds. */
const numbers = (count: number, seed: number): number[] =>
  Array.from({ length: count }, (_, i) => ((i * 7 + seed * 3) % 9) - 4);

/** out[i, j] = sum over l of a[i, l] * b[l, j]. */
function product(problem: GemmProblem, a: readonly number[], b: readonly number[]): number[] {
  const { m, n, k, transposes = {}, pitches = {} } = problem;
  const pitchA = pitches.a ?? (transposes.a ? m : k);
  const pitchB = pitches.b ?? (transposes.b ? k : n);
  const at = (
    values: readonly number[],
    row: number,
    column: number,
    pitch: number,
    turned?: boolean,
  ): number => (turned ? values[column * pitch + row]! : values[row * pitch + column]!);
  return Array.from({ length: m * n }, (_, index) => {
    const [i, j] = [Math.floor(index / n), index % n];
    let sum = 0;
    for (let l = 0; l < k; l++) {
      sum += at(a, i, l, pitchA, transposes.a) * at(b, l, j, pitchB, transposes.b);
    }
    return sum;
  });
}

const rounded = (dtype: string, values: readonly number[]): number[] => [
  ...decode(dtype, encode(dtype, values)),
];

describe('products', () => {
  const forms = [
    { a: false, b: false },
    { a: false, b: true },
    { a: true, b: false },
    { a: true, b: true },
  ];
  test.each(forms)('row-major, a transposed: $a, b transposed: $b', async (transposes) => {
    const { gemm, tensor } = await open();
    const problem = { ...SMALL, transposes };
    const [a, b] = [numbers(15, 1), numbers(20, 2)];
    const out = tensor('bf16', [3, 4]);
    gemm.run(problem, { a: tensor('bf16', [3, 5], a), b: tensor('bf16', [5, 4], b), out });
    expect([...out.read()]).toEqual(rounded('bf16', product(problem, a, b)));
  });

  test.each([
    ['f16', 'f16', 'f32'],
    ['f32', 'f32', 'f32'],
    ['bf16', 'bf16', 'f32'],
  ] as const)('%s x %s -> %s', async (a, b, out) => {
    const { gemm, tensor } = await open();
    const problem: GemmProblem = { ...SMALL, types: { a, b, out } };
    const [x, y] = [numbers(15, 3), numbers(20, 4)];
    const result = tensor(out, [3, 4]);
    gemm.run(problem, { a: tensor(a, [3, 5], x), b: tensor(b, [5, 4], y), out: result });
    expect([...result.read()]).toEqual(product(problem, x, y));
  });

  test('rows with gaps between them', async () => {
    const { gemm, tensor } = await open();
    const problem: GemmProblem = { ...SMALL, pitches: { a: 8, b: 6, out: 5 } };
    const [a, b] = [numbers(24, 1), numbers(30, 2)];
    const out = tensor('bf16', [3, 5], new Array<number>(15).fill(99));
    gemm.run(problem, { a: tensor('bf16', [3, 8], a), b: tensor('bf16', [5, 6], b), out });
    const expected = product(problem, a, b);
    const rows = [0, 1, 2].map((i) => [...expected.slice(4 * i, 4 * i + 4), 99]);
    expect([...out.read()]).toEqual(rounded('bf16', rows.flat()));
  });

  test('alpha and beta: what out holds is added', async () => {
    const { gemm, tensor } = await open();
    const [a, b] = [numbers(15, 1), numbers(20, 2)];
    const out = tensor('f32', [3, 4], new Array<number>(12).fill(10));
    const problem: GemmProblem = { ...SMALL, types: { a: 'f32', b: 'f32', out: 'f32' } };
    gemm.run(problem, { a: tensor('f32', [3, 5], a), b: tensor('f32', [5, 4], b), out, alpha: 2, beta: 0.5 });
    expect([...out.read()]).toEqual(product(problem, a, b).map((value) => 2 * value + 5));
  });

  test.each(['bias', 'relu', 'bias-relu', 'gelu', 'bias-gelu'] as const)('epilogue %s', async (epilogue) => {
    const { gemm, tensor } = await open();
    const problem: GemmProblem = { ...SMALL, types: { a: 'f32', b: 'f32', out: 'f32' }, epilogue };
    const [a, b, bias] = [numbers(15, 5), numbers(20, 6), [1, -2, 3, -4]];
    const out = tensor('f32', [3, 4]);
    const withBias = epilogue.startsWith('bias') && { bias: tensor('f32', [4], bias) };
    gemm.run(problem, { a: tensor('f32', [3, 5], a), b: tensor('f32', [5, 4], b), out, ...withBias });
    const gelu = (x: number): number =>
      0.5 * x * (1 + Math.tanh(0.7978845608028654 * (x + 0.044715 * x ** 3)));
    const expected = product(problem, a, b)
      .map((value, i) => value + (withBias ? bias[i % 4]! : 0))
      .map((value) => (epilogue.endsWith('relu') ? Math.max(value, 0) : value))
      .map((value) => (epilogue.endsWith('gelu') ? gelu(value) : value));
    const found = out.read();
    expected.forEach((value, i) => expect(found[i]).toBeCloseTo(value, 4));
  });

  test('fp8: each operand has its scale, the bias its dtype', async () => {
    const { gemm, tensor, lt } = await open();
    const types = { a: 'e4m3', b: 'e5m2', out: 'f32' } as const;
    const problem: GemmProblem = {
      m: 2,
      n: 16,
      k: 16,
      types,
      transposes: { b: true },
      epilogue: 'bias',
      fastAccumulation: true,
    };
    const [a, b, bias] = [numbers(32, 1), numbers(256, 2), numbers(16, 3)];
    const out = tensor('f32', [2, 16]);
    gemm.run(problem, {
      a: tensor('e4m3', [2, 16], a),
      b: tensor('e5m2', [16, 16], b),
      out,
      bias: tensor('bf16', [16], bias),
      scaleA: tensor('f32', [1], [0.5]),
      scaleB: tensor('f32', [1], [4]),
    });
    const exact = product(problem, a, rounded('e5m2', b));
    expect([...out.read()]).toEqual(exact.map((value, i) => 2 * value + bias[i % 16]!));
    // Our b is the A of cuBLASLt; 25 is its fast accumulation, 26 the dtype of the bias: bf16.
    expect([25, 26].map((id) => lt.lastOperation.get(id))).toEqual([1, 14]);
  });

  test('tf32 where it is allowed', async () => {
    const { gemm, tensor, lt } = await open();
    const types = { a: 'f32', b: 'f32', out: 'f32' } as const;
    const operands = { a: tensor('f32', [3, 5]), b: tensor('f32', [5, 4]), out: tensor('f32', [3, 4]) };
    gemm.run({ ...SMALL, types, tf32: true }, operands);
    expect(lt.lastOperation.get(0)).toBe(77);
    gemm.run({ ...SMALL, types }, operands);
    expect(lt.lastOperation.get(0)).toBe(68);
  });
});

describe('plans', () => {
  const asked = (lt: FakeCublasLt): number =>
    lt.calls.filter((name) => name === 'matmulAlgoGetHeuristic').length;

  test('a problem is planned once, whatever it is bound to', async () => {
    const { gemm, tensor, lt } = await open();
    const operands = () => ({
      a: tensor('bf16', [3, 5]),
      b: tensor('bf16', [5, 4]),
      out: tensor('bf16', [3, 4]),
    });
    gemm.run(SMALL, operands());
    gemm.run({ ...SMALL, transposes: { a: false } }, { ...operands(), alpha: 3 });
    expect([asked(lt), gemm.planned]).toEqual([1, 1]);
  });

  test('whatever changes the algorithm is another problem', async () => {
    const { gemm, lt } = await open();
    const f32 = { a: 'f32', b: 'f32', out: 'f32' } as const;
    const fp8: GemmProblem = {
      m: 16,
      n: 16,
      k: 16,
      types: { ...bf16, a: 'e4m3', b: 'e4m3' },
      transposes: { b: true },
    };
    const problems: GemmProblem[] = [
      SMALL,
      { ...SMALL, m: 4 },
      { ...SMALL, n: 5 },
      { ...SMALL, k: 6 },
      { ...SMALL, types: { ...bf16, out: 'f32' } },
      { ...SMALL, types: { a: 'f16', b: 'f16', out: 'f16' } },
      { ...SMALL, transposes: { a: true } },
      { ...SMALL, transposes: { b: true } },
      { ...SMALL, pitches: { a: 6 } },
      { ...SMALL, pitches: { b: 6 } },
      { ...SMALL, pitches: { out: 6 } },
      { ...SMALL, epilogue: 'bias' },
      { ...SMALL, epilogue: 'gelu' },
      { ...SMALL, alignment: 2 },
      { ...SMALL, types: f32 },
      { ...SMALL, types: f32, tf32: true },
      fp8,
      { ...fp8, fastAccumulation: true },
      { ...fp8, types: { ...fp8.types, b: 'e5m2' } },
    ];
    for (const problem of problems) gemm.plan(problem);
    expect([asked(lt), gemm.planned]).toEqual([problems.length, problems.length]);
    for (const problem of problems) gemm.plan(problem);
    expect(asked(lt)).toBe(problems.length);
  });

  test('the heuristic is told the workspace and the alignment', async () => {
    const { gemm, lt } = await open({ workspaceBytes: 2 ** 20 });
    expect(gemm.plan({ ...SMALL, alignment: 4 })).toEqual({ workspaceBytes: 4096, waves: 0.5 });
    expect([...lt.preferences[0]!]).toEqual([
      [1, 2 ** 20],
      [5, 4],
      [6, 4],
      [7, 4],
      [8, 4],
    ]);
  });

  test('beyond the limit the oldest plan goes, unless something is bound to it', async () => {
    const { gemm, tensor, lt } = await open({ plans: 2 });
    const bound = gemm.bind(SMALL, {
      a: tensor('bf16', [3, 5]),
      b: tensor('bf16', [5, 4]),
      out: tensor('bf16', [3, 4]),
    });
    for (const m of [4, 5, 6]) gemm.plan({ ...SMALL, m });
    expect(gemm.planned).toBe(2);
    expect(lt.live).toMatchObject({ layout: 6, operation: 1 });
    bound.run();
    gemm.plan(SMALL);
    gemm.plan({ ...SMALL, m: 6 });
    expect(asked(lt)).toBe(4);
    bound.close();
  });

  test('a plan that fails leaves nothing behind', async () => {
    const { gemm, lt } = await open();
    lt.found = 0;
    expect(() => gemm.plan(SMALL)).toThrow(
      expect.objectContaining({ code: 'LAUNCH_GUARD', actual: 'cuBLASLt has no algorithm for it' }),
    );
    lt.found = 1;
    for (const name of [
      'matrixLayoutCreate',
      'matmulDescCreate',
      'matmulPreferenceSetAttribute',
      'matmulAlgoGetHeuristic',
    ] as const) {
      lt.fail(name, 15);
      expect(() => gemm.plan(SMALL)).toThrow(
        expect.objectContaining({
          code: 'NATIVE_CALL',
          actual: '15 CUBLAS_STATUS_NOT_SUPPORTED: what it says',
        }),
      );
    }
    lt.fail('matmulDescSetAttribute', 7, 2);
    expect(() => gemm.plan(SMALL)).toThrow(/cublasLtMatmulDescSetAttribute/);
    lt.fail('matrixLayoutCreate', 15, 2);
    expect(() => gemm.plan(SMALL)).toThrow(/cublasLtMatrixLayoutCreate/);
    expect(lt.live).toEqual({ handle: 1 });
    expect(gemm.planned).toBe(0);
  });
});

describe('bound products', () => {
  const operandsOf = ({ tensor }: Awaited<ReturnType<typeof open>>) => ({
    a: tensor('bf16', [3, 5], numbers(15, 1)),
    b: tensor('bf16', [5, 4], numbers(20, 2)),
    out: tensor('bf16', [3, 4]),
  });

  test('one call a run, on the stream that was named', async () => {
    const world = await open();
    const { device, gemm, lt } = world;
    const stream = device.createStream();
    const bound = gemm.bind(SMALL, { ...operandsOf(world), stream });
    lt.calls = [];
    bound.run();
    bound.run();
    expect(lt.calls).toEqual(['matmul', 'matmul']);
    bound.close();
    expect(() => bound.run()).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
  });

  test('an operand that was freed is found out', async () => {
    const world = await open();
    const operands = operandsOf(world);
    const bound = world.gemm.bind(SMALL, operands);
    operands.b.close();
    expect(() => bound.run()).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    bound.close();
  });

  test('a graph replays it, and knows its buffers', async () => {
    const world = await open();
    const { device, gemm } = world;
    const operands = operandsOf(world);
    const stream = device.createStream();
    const bound = gemm.bind(SMALL, operands);
    device.fill(operands.out.buffer, 0);
    const graph = device.capture(stream, () => {
      bound.run();
    });
    const exec = graph.instantiate();
    expect([...operands.out.read()]).toEqual(new Array(12).fill(0));
    exec.launch(stream);
    const expected = rounded('bf16', product(SMALL, numbers(15, 1), numbers(20, 2)));
    expect([...operands.out.read()]).toEqual(expected);
    operands.a.close();
    expect(() => exec.launch(stream)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    for (const thing of [exec, graph, bound]) thing.close();
  });

  test('streams have a workspace each; a product may have its own; without need there is none', async () => {
    const world = await open({ workspaceBytes: 8192 });
    const { device, gemm, lt } = world;
    const operands = operandsOf(world);
    const before = device.buffers.count;
    const [one, two] = [device.createStream(), device.createStream()];
    for (const stream of [one, two, one]) gemm.run(SMALL, { ...operands, stream });
    expect(device.buffers.count - before).toBe(2);
    const workspace = device.alloc(4096);
    gemm.run(SMALL, { ...operands, workspace });
    expect(device.buffers.count - before).toBe(3);
    expect(() => gemm.run(SMALL, { ...operands, workspace: device.alloc(1024) })).toThrow(
      expect.objectContaining({
        code: 'LAUNCH_GUARD',
        actual: 'a workspace of 1024 bytes',
        expected: 'at least 4096',
      }),
    );
    lt.workspaceBytes = 0;
    gemm.run({ ...SMALL, alignment: 8 }, operands);
    expect(device.buffers.count - before).toBe(4);
  });

  test('what cuBLASLt refuses is an error with its words', async () => {
    const world = await open();
    const bound = world.gemm.bind(SMALL, operandsOf(world));
    world.lt.fail('matmul', 15);
    expect(() => bound.run()).toThrow(
      expect.objectContaining({
        code: 'NATIVE_CALL',
        message: expect.stringContaining('(3, 4, 5) bf16 x bf16 -> bf16'),
      }),
    );
    bound.run();
    bound.close();
  });

  test('the end of the handle is the end of what is bound to it', async () => {
    const world = await open();
    const bound = world.gemm.bind(SMALL, operandsOf(world));
    world.gemm.close();
    expect(world.lt.live).toEqual({});
    expect(() => bound.run()).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    expect(() => world.gemm.plan(SMALL)).toThrow(expect.objectContaining({ code: 'HANDLE_CLOSED' }));
    bound.close();
  });
});

describe('guards', () => {
  const FP8: GemmProblem = {
    m: 1,
    n: 32,
    k: 32,
    types: { a: 'e4m3', b: 'e4m3', out: 'bf16' },
    transposes: { b: true },
  };

  test.each<[string, GemmProblem, object]>([
    ['an extent of 0', { ...SMALL, m: 0 }, { actual: 'm is 0' }],
    ['a broken extent', { ...SMALL, k: 1.5 }, { actual: 'k is 1.5' }],
    ['an extent beyond 31 bits', { ...SMALL, n: 2 ** 31 }, { actual: 'n is 2147483648' }],
    ['mixed dtypes', { ...SMALL, types: { ...bf16, b: 'f16' } }, { actual: 'bf16 f16 -> bf16' }],
    [
      'an output that is narrower',
      { ...SMALL, types: { a: 'f32', b: 'f32', out: 'bf16' } },
      { expected: expect.stringContaining('f32 f32 -> f32') },
    ],
    [
      'two e5m2 operands',
      { ...FP8, types: { a: 'e5m2', b: 'e5m2', out: 'bf16' } },
      { actual: 'e5m2 e5m2 -> bf16' },
    ],
    [
      'a short pitch',
      { ...SMALL, pitches: { a: 4 } },
      { actual: 'a pitch of 4 for a', expected: 'at least its 5 columns' },
    ],
    ['an alignment of 3', { ...SMALL, alignment: 3 }, { actual: 'alignment 3' }],
    ['fp8 with b as [k, n]', { ...FP8, transposes: {} }, { actual: 'a [m, k], b [k, n]' }],
    ['fp8 with a transposed', { ...FP8, transposes: { a: true, b: true } }, { actual: 'a [k, m], b [n, k]' }],
    ['fp8 with k of 24', { ...FP8, k: 24 }, { actual: 'k is 24', expected: 'a multiple of 16 with FP8' }],
    ['fp8 with n of 8', { ...FP8, n: 8 }, { actual: 'n is 8' }],
    ['fp8 with a pitch of 40', { ...FP8, pitches: { b: 40 } }, { actual: 'pitchB is 40' }],
    ['fp8 aligned to 8', { ...FP8, alignment: 8 }, { actual: 'alignment 8' }],
  ])('%s', async (_, problem, expected) => {
    const { gemm, lt } = await open();
    lt.calls = [];
    expect(() => gemm.plan(problem)).toThrow(expect.objectContaining({ code: 'LAUNCH_GUARD', ...expected }));
    expect(lt.calls).toEqual([]);
  });

  test('operands that do not fit the problem', async () => {
    const { gemm, tensor, lt } = await open();
    const [a, b, out] = [tensor('bf16', [3, 5]), tensor('bf16', [5, 4]), tensor('bf16', [3, 4])];
    const refused = (problem: GemmProblem, change: object, expected: object): void => {
      expect(() => gemm.run(problem, { a, b, out, ...change })).toThrow(
        expect.objectContaining({ code: 'LAUNCH_GUARD', ...expected }),
      );
    };
    refused(SMALL, { a: tensor('f16', [3, 5]) }, { actual: 'a is f16', expected: 'bf16' });
    refused(SMALL, { out: tensor('bf16', [3, 3]) }, { actual: '18 bytes for out', expected: 'at least 24' });
    refused({ ...SMALL, pitches: { b: 40 } }, {}, { actual: '40 bytes for b', expected: 'at least 328' });
    const wide = tensor('bf16', [32]);
    refused(
      SMALL,
      { a: wide.view([15], { offsetBytes: 2 }) },
      { expected: 'an address that is a multiple of 16' },
    );
    refused({ ...SMALL, epilogue: 'bias' }, {}, { actual: 'no bias' });
    refused(SMALL, { bias: wide }, { actual: 'a bias' });
    refused({ ...SMALL, epilogue: 'bias' }, { bias: tensor('bf16', [3]) }, { actual: '6 bytes for bias' });
    refused(SMALL, { scaleA: wide }, { actual: 'a scaleA' });
    refused(
      FP8,
      { a: tensor('e4m3', [1, 32]), b: tensor('e4m3', [32, 32]), out: tensor('bf16', [32]) },
      { actual: 'no scaleA' },
    );
    expect(lt.calls).not.toContain('matmul');
  });

  test('memory of another device', async () => {
    const [one, two] = [await open(), await open()];
    const [a, b, out] = [one.tensor('bf16', [3, 5]), two.tensor('bf16', [5, 4]), one.tensor('bf16', [3, 4])];
    expect(() => one.gemm.run(SMALL, { a, b, out })).toThrow(
      expect.objectContaining({ code: 'HANDLE_CLOSED' }),
    );
  });

  test('a library from before 12.0', async () => {
    const { device, driver } = await open();
    const old = new FakeCublasLt(driver);
    old.version = 111_103;
    await expect(openGemm(device, { library: old.library })).rejects.toMatchObject({
      code: 'NATIVE_MISSING',
      actual: 'fake cuBLASLt: version 11.11.3',
      expected: '12.0.0 or later',
    });
  });
});
