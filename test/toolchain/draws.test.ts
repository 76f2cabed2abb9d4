/** Tokens that compiled kernels draw, each row with a seed, an offset and settings of its own: those of the reference, every time. */

import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openLibrary, type Library } from '../../src/runtime/index.js';
import { bindKernel, loadSpecs, type BoundKernel, type KernelSpec } from '../../src/spec/index.js';
import { packagePath } from '../../src/util/package-root.js';
import { Random } from '../../src/verify/random.js';
import { evaluateReference } from '../../src/verify/reference/index.js';
import { Prover } from '../support/prover.js';
import { variantOf } from '../support/variants.js';

const ROWS = 200;
const VOCAB = 131;
const WORDS = 5;
const PROMPT = -(2 ** 31);
const BINDING = {
  dims: { vocab: VOCAB },
  types: { L: 'f32' },
  flags: { penalised: true, biased: true, masked: true },
} as const;

let prover: Prover;
let specs: ReadonlyMap<string, KernelSpec>;

beforeAll(async () => {
  prover = await Prover.open();
  specs = await loadSpecs(packagePath('specs'));
}, 300_000);
afterAll(() => prover.close());

type Inputs = Readonly<Record<string, Float64Array>>;

const nothingAllowed = (row: number): boolean => row % 23 === 22;

/** Settings as requests give them; of seven rows one is greedy, and one of those has NaN for a temperature. */
function inputsOf(seeds: number): Inputs {
  const random = new Random(1);
  const fill = (length: number, of: (i: number) => number) =>
    Float64Array.from({ length }, (_, i) => Math.fround(of(i)));
  const whole = (length: number, of: (i: number) => number) =>
    Float64Array.from({ length }, (_, i) => Math.trunc(of(i)));
  const between = (least: number, most: number) => () => least + (most - least) * random.next();
  const elements = ROWS * VOCAB;
  return {
    logits: fill(elements, between(-6, 6)),
    temperature: fill(ROWS, (i) => (i % 7 > 0 ? 0.25 + (i % 5) / 2 : i % 2 > 0 ? NaN : 0)),
    top_k: whole(ROWS, (i) => (i % 3) * between(0, 60)()),
    top_p: fill(ROWS, between(0.5, 1.1)),
    min_p: fill(ROWS, (i) => (i % 29 === 28 ? NaN : (i % 2) * between(0, 0.2)())),
    seed: whole(ROWS, (i) => seeds + (i % 4 > 0 ? i : -(2 ** 45) * i)),
    offset: whole(ROWS, (i) => (i % 5) * (2 ** 33 + i)),
    counts: whole(elements, () => [0, 0, 1, 2, PROMPT, PROMPT + 3][Math.floor(6 * random.next())]!),
    repetition: fill(ROWS, between(0.8, 1.4)),
    frequency: fill(ROWS, between(-0.3, 0.3)),
    presence: fill(ROWS, between(-0.3, 0.3)),
    bias: fill(elements, between(-2, 2)),
    mask: whole(ROWS * WORDS, (i) =>
      nothingAllowed(Math.floor(i / WORDS)) ? 0 : between(-(2 ** 31), 2 ** 31)(),
    ),
  };
}

const referenceOf = (bound: BoundKernel, inputs: Inputs) => {
  const problem = {
    extents: { rows: ROWS, vocab: VOCAB, words: WORDS },
    params: {},
    inputs: new Map(Object.entries(inputs)),
  };
  return evaluateReference(bound, problem).get('token')!;
};

function launch(kernels: Library, bound: BoundKernel, inputs: Inputs): readonly number[] {
  const token = kernels.tensor('i32', [ROWS], { values: new Int32Array(ROWS).fill(-7) });
  const tensors = bound.tensors.flatMap(({ name, dtype, modes }) => {
    if (name === 'token') return [[name, token] as const];
    const shape = modes.map(({ extent }) => (extent === 'dynamic' ? ROWS : extent));
    return [[name, kernels.tensor(dtype, shape, { values: inputs[name]! })] as const];
  });
  kernels.launchVariant(kernels.variants[0]!.id, Object.fromEntries(tensors));
  return [...token.read()].map(Number);
}

test.each(['sample_temperature', 'sample_top_k_top_p'])(
  '%s draws what its reference does, again with the same seeds, and else with others',
  async (kernel) => {
    const spec = specs.get(kernel)!;
    const bound = bindKernel(spec, BINDING);
    const dir = await prover.buildVariants(kernel, specs, [variantOf(spec, BINDING, 'sm90', 'decode')]);
    const kernels = await openLibrary(dir, { device: 'sim', arch: 'sm90' });
    const inputs = inputsOf(0);
    const drawn = launch(kernels, bound, inputs);
    const { values, error } = referenceOf(bound, inputs);
    expect(error.filter((off) => off > 0).length).toBeLessThan(ROWS / 20);
    expect(drawn).toEqual([...values]);
    expect(drawn.map((token) => token < 0)).toEqual(drawn.map((_, row) => nothingAllowed(row)));
    expect(launch(kernels, bound, inputs)).toEqual(drawn);

    const others = inputsOf(1000);
    const again = launch(kernels, bound, others);
    expect(again).toEqual([...referenceOf(bound, others).values]);
    const greedy = inputs['temperature']!.map((t) => (t > 0 ? 0 : 1));
    const moved = again.filter((token, row) => token !== drawn[row]);
    expect(again.filter((_, row) => greedy[row] === 1)).toEqual(drawn.filter((_, row) => greedy[row] === 1));
    expect(moved.length).toBeGreaterThan(ROWS / 3);
    kernels.close();
  },
  120_000,
);
