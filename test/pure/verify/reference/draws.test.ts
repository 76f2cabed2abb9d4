/** Tokens drawn of one row of logits, 10^5 in all: chi-square against probabilities from the definitions. */

import { expect, test } from '@jest/globals';
import { bindKernel, loadSpec } from '../../../../src/spec/index.js';
import { packagePath } from '../../../../src/util/package-root.js';
import { evaluateReference } from '../../../../src/verify/reference/index.js';

const DRAWS = 100_000;
const BATCH = 5_000;
const LOGITS = [1.25, -0.5, 0.75, 2, -1.125];
const TOKENS = LOGITS.length;
const LIKELIEST = LOGITS.indexOf(Math.max(...LOGITS));
/** The sign bit of a count: the token is in the prompt. */
const PROMPT = -(2 ** 31);

/** What differs from a draw by temperature 1 of all tokens. */
interface Settings {
  readonly temperature?: number;
  readonly top_k?: number;
  readonly top_p?: number;
  readonly min_p?: number;
  readonly counts?: readonly number[];
  readonly repetition?: number;
  readonly frequency?: number;
  readonly presence?: number;
  readonly bias?: readonly number[];
  /** Allowed tokens. */
  readonly mask?: readonly number[];
}

const COUNTS = [0, 2, PROMPT, 1, PROMPT + 3];
const NEUTRAL = { temperature: 1, top_k: 0, top_p: 1, min_p: 0, repetition: 1, frequency: 0, presence: 0 };

/** Probability of each token. */
function distribution(settings: Settings): readonly number[] {
  const { temperature, top_k, top_p, min_p, repetition, frequency, presence } = { ...NEUTRAL, ...settings };
  const logits = LOGITS.map((x, i) => {
    const count = settings.counts?.[i] ?? 0;
    const times = count < 0 ? count - PROMPT : count;
    const damped = count === 0 ? x : x > 0 ? x / repetition : x * repetition;
    const less = times > 0 ? damped - frequency * times - presence : damped;
    const allowed = settings.mask?.includes(i) ?? true;
    return allowed ? less + (settings.bias?.[i] ?? 0) : -Infinity;
  });
  const most = Math.max(...logits);
  const weights = logits.map((x) => Math.exp((x - most) / temperature));
  const order = logits.map((_, i) => i).sort((a, b) => logits[b]! - logits[a]! || a - b);
  const first = order.slice(0, top_k > 0 ? top_k : order.length);
  const sum = (tokens: readonly number[]) => tokens.reduce((total, i) => total + weights[i]!, 0);
  const likely = top_p < 1 ? first.filter((_, n) => sum(first.slice(0, n)) < top_p * sum(first)) : first;
  const kept = likely.filter((i) => weights[i]! >= min_p);
  return logits.map((_, i) => (kept.includes(i) ? weights[i]! / sum(kept) : 0));
}

/** Seed and offset of a draw. */
type Place = (draw: number) => readonly [seed: number, offset: number];
const SEEDS: Place = (draw) => [draw, 5];
const OFFSETS: Place = (draw) => [2 ** 40 + 17, draw];
const BOTH: Place = (draw) => [draw % 331, Math.floor(draw / 331)];

type Kernel = 'sample_temperature' | 'sample_top_k_top_p';

/** Draws `first` to `first + count`, and how far each may be off. */
async function drawer(kernel: Kernel, settings: Settings, place: Place) {
  const spec = await loadSpec(packagePath(`specs/${kernel}.yaml`));
  const flags = {
    penalised: settings.counts !== undefined,
    biased: settings.bias !== undefined,
    masked: settings.mask !== undefined,
  };
  const bound = bindKernel(spec, { dims: { vocab: TOKENS }, types: { L: 'f32' }, flags });
  const { counts = [], bias = [], mask = [], ...scalars } = settings;
  return (first: number, count: number) => {
    const repeated = (row: readonly number[]) =>
      Float64Array.from({ length: count * row.length }, (_, i) => row[i % row.length]!);
    const places = Array.from({ length: count }, (_, i) => place(first + i));
    const inputs = new Map(
      Object.entries({
        logits: repeated(LOGITS),
        counts: repeated(counts),
        bias: repeated(bias),
        mask: repeated([mask.reduce((word, i) => word + 2 ** i, 0)]),
        seed: Float64Array.from(places, ([seed]) => seed),
        offset: Float64Array.from(places, ([, offset]) => offset),
        ...Object.fromEntries(
          Object.entries({ ...NEUTRAL, ...scalars }).map(([name, value]) => [
            name,
            repeated([Math.fround(value)]),
          ]),
        ),
      }),
    );
    const problem = { extents: { rows: count, vocab: TOKENS, words: 1 }, params: {}, inputs };
    return evaluateReference(bound, problem).get('token')!;
  };
}

test.each<readonly [what: string, kernel: Kernel, settings: Settings, place: Place]>([
  ['all of the vocabulary', 'sample_temperature', {}, OFFSETS],
  ['temperature', 'sample_temperature', { temperature: 0.7 }, BOTH],
  ['top-k', 'sample_top_k_top_p', { top_k: 3 }, SEEDS],
  ['top-p', 'sample_top_k_top_p', { top_p: 0.8 }, OFFSETS],
  ['min-p', 'sample_top_k_top_p', { min_p: 0.1 }, SEEDS],
  ['all filters', 'sample_top_k_top_p', { temperature: 1.5, top_k: 4, top_p: 0.95, min_p: 0.2 }, BOTH],
  ['repetition', 'sample_temperature', { counts: COUNTS, repetition: 1.5 }, SEEDS],
  ['frequency', 'sample_temperature', { counts: COUNTS, frequency: 0.25 }, OFFSETS],
  ['presence', 'sample_temperature', { counts: COUNTS, presence: -0.5 }, BOTH],
  ['a bias', 'sample_temperature', { bias: [0, 1.5, -1, -0.75, 0.25] }, SEEDS],
  ['a mask', 'sample_temperature', { mask: [0, 2, 4] }, BOTH],
  [
    'all there is',
    'sample_top_k_top_p',
    {
      temperature: 1.25,
      top_k: 3,
      top_p: 0.9,
      min_p: 0.05,
      counts: COUNTS,
      repetition: 1.25,
      frequency: 0.125,
      presence: 0.25,
      bias: [0.5, 1.5, 0, 3, 1],
      mask: [0, 1, 2, 4],
    },
    BOTH,
  ],
])(
  'draws have the distribution of %s, and their seed and offset reproduce them',
  async (_what, kernel, settings, place) => {
    const draw = await drawer(kernel, settings, place);
    const seen = new Float64Array(TOKENS);
    let doubtful = 0;
    for (let first = 0; first < DRAWS; first += BATCH) {
      const { values, error } = draw(first, BATCH);
      for (const token of values) seen[token]! += 1;
      for (const each of error) if (each > 0) doubtful += 1;
    }
    expect(draw(7, 100).values).toEqual(draw(0, 107).values.subarray(7));
    const wanted = distribution(settings);
    const left = wanted.flatMap((p, i) => (p > 0 ? [i] : []));
    expect(seen.reduce((sum, count, i) => sum + (wanted[i] === 0 ? count : 0), 0)).toBe(0);
    const chi = left.reduce((sum, i) => sum + (seen[i]! - DRAWS * wanted[i]!) ** 2 / (DRAWS * wanted[i]!), 0);
    const degrees = left.length - 1;
    expect(degrees).toBeGreaterThan(0);
    // Five standard deviations of the chi-square distribution.
    expect(chi).toBeLessThan(degrees + 5 * Math.sqrt(2 * degrees));
    expect(doubtful).toBeLessThan(DRAWS / 1000);
  },
  120_000,
);

test.each<readonly [what: string, kernel: Kernel, settings: Settings, token: number]>([
  ['a temperature of NaN takes the likeliest', 'sample_temperature', { temperature: NaN }, LIKELIEST],
  ['beside filters too', 'sample_top_k_top_p', { temperature: NaN, min_p: 0.1 }, LIKELIEST],
  ['a min-p of NaN leaves the likeliest', 'sample_top_k_top_p', { min_p: NaN }, LIKELIEST],
  ['and one above 1', 'sample_top_k_top_p', { min_p: 1.5 }, LIKELIEST],
  ['where nothing is allowed there is no token', 'sample_temperature', { mask: [] }, -1],
  ['not even the likeliest', 'sample_temperature', { mask: [], temperature: 0 }, -1],
  ['nor of what filters leave', 'sample_top_k_top_p', { mask: [], top_k: 2, top_p: 0.5, min_p: NaN }, -1],
])('%s', async (_what, kernel, settings, token) => {
  const { values, error } = (await drawer(kernel, settings, SEEDS))(0, 100);
  expect([...values]).toEqual(new Array(100).fill(token));
  expect(Math.max(...error)).toBe(0);
});

test('the largest of a row of nothing is its first', async () => {
  const spec = await loadSpec(packagePath('specs/greedy.yaml'));
  const bound = bindKernel(spec, { dims: { vocab: TOKENS }, types: { L: 'f32' }, flags: {} });
  const logits = Float64Array.from({ length: 2 * TOKENS }, (_, i) => (i % 2 === 0 ? -Infinity : NaN));
  const problem = { extents: { rows: 2, vocab: TOKENS }, params: {}, inputs: new Map([['logits', logits]]) };
  expect([...evaluateReference(bound, problem).get('token')!.values]).toEqual([0, 0]);
});
