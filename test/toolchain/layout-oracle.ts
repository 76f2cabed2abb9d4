/**
 * Questions of layout algebra, asked of NVIDIA's own code and of ours, and their answers compared.
 *
 * An answer of ours counts where it equals NVIDIA's, stride of extent-1 modes aside. Where they differ, the law of the
 * operation, checked by enumeration, has to be on our side: see `Tally`.
 */
import { execa } from 'execa';
import fc from 'fast-check';
import {
  type IntTuple,
  type Layout,
  type Tiler,
  coalesce,
  complement,
  concat,
  cosize,
  depth,
  evaluate,
  filterZeros,
  flatModes,
  flatten,
  formatLayout,
  isTuple,
  logicalDivide,
  makeLayout,
  modesOf,
  size,
  unflatten,
} from '../../src/layout/index.js';
import { compactStride } from '../../src/layout/coordinate.js';
import { packagePath } from '../../src/util/package-root.js';
import { defined, layouts, range, values } from '../pure/layout/arbitraries.js';

/** How many different questions are about a nested layout or shape, a parameter with tuples in tuples. */
export function countNested(questions: readonly Question[]): number {
  const nested = questions.filter(([, ...parameters]) =>
    parameters.some((parameter) => {
      const shape = isLayout(parameter) ? parameter.shape : (parameter as IntTuple);
      return depth(shape) > 1;
    }),
  );
  return new Set(nested.map((question) => JSON.stringify(question))).size;
}

const isLayout = (parameter: unknown): parameter is Layout =>
  typeof parameter === 'object' && parameter !== null && 'shape' in parameter;

/** `count` values, the same ones in each run. */
export function sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
  return fc.sample(arbitrary, { numRuns: count, seed: 20_260_101 });
}

// ---------------------------------------------------------------- asking

export type Question = readonly [operation: string, ...parameters: unknown[]];
export type Answer = { readonly value: unknown } | { readonly error: string };

/** The answers of NVIDIA's code, one for each question. */
export async function ask(
  python: string,
  backend: 'pycute' | 'cutedsl',
  questions: readonly Question[],
): Promise<Answer[]> {
  const script = packagePath('test/toolchain/layout_oracle.py');
  const { stdout } = await execa(python, [script, backend], { input: JSON.stringify(questions) });
  return JSON.parse(stdout) as Answer[];
}

// ---------------------------------------------------------------- comparing

/** One question whose answer is a layout. */
export interface Case {
  readonly question: Question;
  readonly ours: () => Layout;
  /** Whether a layout is a right answer, by enumeration. */
  readonly law: (answer: Layout) => boolean;
}

export interface Tally {
  /** Questions with the same answer. */
  readonly agree: Question[];
  /** Neither answers. */
  bothRefuse: number;
  /** Ours refuses; NVIDIA's answer breaks the law. */
  theirsUnlawful: number;
  /** Ours answers lawfully; NVIDIA's refuses or breaks the law. */
  onlyOurs: number;
  /** Questions that both answer lawfully, in different ways. */
  readonly otherForm: Question[];
  /** Questions where ours is wrong, or refuses what NVIDIA's answers lawfully. Has to stay empty. */
  readonly wrong: string[];
}

/** `theirs[i]` is NVIDIA's answer to `cases[i]`, undefined where it refuses. */
export function compare(cases: readonly Case[], theirs: readonly (Layout | undefined)[]): Tally {
  const tally: Tally = {
    agree: [],
    bothRefuse: 0,
    theirsUnlawful: 0,
    onlyOurs: 0,
    otherForm: [],
    wrong: [],
  };
  cases.forEach(({ question, ours, law }, i) => {
    const answer = defined(ours);
    const other = theirs[i];
    if (answer && other && sameLayout(answer, other)) return void tally.agree.push(question);
    const lawful = answer ? law(answer) : undefined;
    const otherLawful = other ? law(other) : undefined;
    if (lawful === false || (lawful === undefined && otherLawful)) {
      const show = (layout?: Layout): string => (layout ? formatLayout(layout) : 'refused');
      tally.wrong.push(`${JSON.stringify(question)}: ours ${show(answer)}, theirs ${show(other)}`);
    } else if (lawful && otherLawful) tally.otherForm.push(question);
    else if (lawful) tally.onlyOurs++;
    else tally[other ? 'theirsUnlawful' : 'bothRefuse']++;
  });
  return tally;
}

/** The same parentheses, extents and strides; the stride of an extent of 1 is never stepped along and may differ. */
function sameLayout(a: Layout, b: Layout): boolean {
  return formatLayout(withoutIdleStrides(a)) === formatLayout(withoutIdleStrides(b));
}

function withoutIdleStrides({ shape, stride }: Layout): Layout {
  const extents = flatten(shape);
  const strides = flatten(stride).map((step, i) => (extents[i] === 1 ? 0 : step));
  return makeLayout(shape, unflatten(strides, shape));
}

// ---------------------------------------------------------------- laws

const same = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, i) => value === b[i]);

const distinct = (numbers: readonly number[]): boolean => new Set(numbers).size === numbers.length;

/** R(i) = A(B(i)); past its end A goes on along the last of its coalesced modes. */
export function composes(a: Layout, b: Layout, result: Layout): boolean {
  const extended = coalesce(a);
  return same(
    values(result),
    values(b).map((i) => evaluate(i < size(a) ? a : extended, i)),
  );
}

/** C is increasing, its sums with A are distinct, and one more step of A's span is past the cotarget. */
export function complements(a: Layout, cotarget: number, c: Layout): boolean {
  const moving = values(filterZeros(a));
  const rest = values(c);
  const spans = flatModes(a).map(({ extent, stride }) => (extent > 1 ? extent * stride : 1));
  const span = Math.max(1, ...spans);
  return (
    rest.every((value, i) => i === 0 || value > rest[i - 1]!) &&
    distinct(moving.flatMap((x) => rest.map((y) => x + y))) &&
    rest.at(-1)! + span >= cotarget
  );
}

/** L(R(i)) = i for every i below size(R). */
export function invertsRight(l: Layout, r: Layout): boolean {
  return same(
    values(r).map((i) => evaluate(l, i)),
    range(size(r)),
  );
}

/** R(L(i)) = i for every i below size(L). */
export function invertsLeft(l: Layout, r: Layout): boolean {
  return same(
    values(l).map((i) => evaluate(r, i)),
    range(size(l)),
  );
}

/** Two modes: A o tile, and A o (complement of the tile). */
export function divides(a: Layout, tile: Layout, result: Layout): boolean {
  const rest = defined(() => complement(tile, size(a)));
  return rest !== undefined && composes(a, concat([tile, rest]), result);
}

/**
 * Two modes: the block, and where its repeats start: at elements of the block's complement, as many as the tile has,
 * in the tile's order, and apart. Past the end of a complement repeats may miss one another by luck; that is no answer.
 */
export function repeats(block: Layout, tile: Layout, result: Layout): boolean {
  const [inside, between] = modesOf(result);
  if (!inside || !between || !same(values(inside), values(block))) return false;
  const starts = values(between);
  const room = defined(() => complement(block, cosize(between)));
  const free = new Set(room && values(room));
  if (!starts.every((start) => free.has(start))) return false;
  const order = values(tile);
  if (starts.length !== order.length) return false;
  const rising = range(order.length).sort((i, j) => order[i]! - order[j]! || i - j);
  const ordered = rising.every((i, k) => {
    const before = rising[k - 1];
    const sign = (numbers: readonly number[]): number => Math.sign(numbers[i]! - numbers[before!]!);
    return before === undefined || sign(order) === sign(starts);
  });
  const moving = values(filterZeros(block));
  return ordered && distinct([...new Set(starts)].flatMap((x) => moving.map((y) => x + y)));
}

/** `law` of each mode under a tiler; modes beyond it, and under `null`, unchanged. */
export function byMode(
  layout: Layout,
  tiler: Tiler,
  result: Layout,
  law: (layout: Layout, tile: Layout, result: Layout) => boolean,
): boolean {
  if (tiler === null) return same(values(layout), values(result));
  if (typeof tiler === 'number') return law(layout, makeLayout(tiler), result);
  if (!isTilerTuple(tiler)) return law(layout, tiler, result);
  const modes = modesOf(layout);
  const parts = modesOf(result);
  return (
    parts.length === modes.length && modes.every((mode, i) => byMode(mode, tiler[i] ?? null, parts[i]!, law))
  );
}

const isTilerTuple = (tiler: Tiler): tiler is readonly Tiler[] => Array.isArray(tiler);

/** From ((A,B),(a,b,C)) back to ((A,a),(B,b),C); a tiler without parentheses, or null, has no modes to bring back. */
export function unzip(zipped: Layout, tiler: Tiler): Layout {
  const [tiles, rest] = modesOf(zipped);
  if (tiler === null) return rest!;
  if (!isTilerTuple(tiler)) return zipped;
  const first = modesOf(tiles!);
  return concat(
    modesOf(rest!).map((mode, i) => {
      const part = tiler[i];
      if (part === undefined || part === null) return mode;
      return concat([first[i]!, mode]);
    }),
  );
}

/** From ((A,B),a,b) back to ((A,B),(a,b)). */
export function untile(tiled: Layout): Layout {
  const [tile, ...rest] = modesOf(tiled);
  return concat([tile!, concat(rest)]);
}

/** From (A,B,a,b), whose first `count` modes are the tile, back to ((A,B),(a,b)). */
export function unflat(flat: Layout, count: number): Layout {
  const modes = modesOf(flat);
  return concat([concat(modes.slice(0, count)), concat(modes.slice(count))]);
}

/** From ((A,a),(B,b)), each mode coalesced perhaps, back to ((A,B),(a,b)); `extents` are the sizes of A and B. */
export function unblock(blocked: Layout, extents: readonly number[]): Layout {
  const parts = modesOf(blocked).map((mode, i) => modesOf(logicalDivide(mode, extents[i]!)));
  return concat([concat(parts.map(([first]) => first!)), concat(parts.map(([, second]) => second!))]);
}

// ---------------------------------------------------------------- random tilers

/** A layout that walks over some of the leaves of `layout`, in any order: always composable, and it divides. */
export function walksOf(layout: Layout): fc.Arbitrary<Layout> {
  const extents = flatten(layout.shape);
  const steps = flatten(compactStride(layout.shape));
  return fc.shuffledSubarray(range(extents.length), { minLength: 1 }).map((leaves) =>
    leaves.length === 1
      ? makeLayout(extents[leaves[0]!]!, steps[leaves[0]!]!)
      : makeLayout(
          leaves.map((leaf) => extents[leaf]!),
          leaves.map((leaf) => steps[leaf]!),
        ),
  );
}

/** Tuples of at most as many parts as the layout has modes. */
function tuplesOf(layout: Layout, numbers: boolean): fc.Arbitrary<Tiler> {
  const modes = modesOf(layout);
  const part = (mode: Layout): fc.Arbitrary<Tiler> =>
    fc.oneof(
      walksOf(mode),
      walksOf(mode),
      fc.constant(null),
      ...(numbers ? [fc.integer({ min: 1, max: size(mode) })] : []),
    );
  return fc
    .integer({ min: 1, max: modes.length })
    .chain((count) => fc.tuple(...modes.slice(0, count).map(part)));
}

/** Right-hand sides for `layout`: walks over its leaves, tuples where it has modes, and anything. */
export function tilersOf(layout: Layout, numbers = true): fc.Arbitrary<Tiler> {
  return fc.oneof(
    walksOf(layout),
    layouts,
    isTuple(layout.shape) ? tuplesOf(layout, numbers) : walksOf(layout),
    ...(numbers ? [fc.integer({ min: 1, max: size(layout) })] : []),
  );
}

/** JSON value of a tuple that NVIDIA's code returned -> one of ours; undefined where it is none. */
export function toLayout(value: unknown): Layout | undefined {
  const { shape, stride } = value as { shape: IntTuple; stride: IntTuple };
  return defined(() => makeLayout(shape, stride));
}

/** Whether a product's law, which is enumerated over both, is worth its time. */
export function small(block: Layout, tiler: Tiler): boolean {
  const repeats = tiler !== null && typeof tiler === 'object' && 'shape' in tiler ? size(tiler) : 1;
  return size(block) * repeats <= 4000;
}
