/** The problems that a variant is run on: shapes around its tiles, values, indices and offsets chosen to break it. */

import { evaluateGrid, type VariantEntry } from '../device/index.js';
import type { BoundKernel, BoundTensor } from '../spec/index.js';
import { indicesFor, INTEGER, offsetsByThree, offsetsInto } from './indices.js';
import { layoutOf } from './layout.js';
import { isWeighed } from './peaks.js';
import { Random, seedOf } from './random.js';
import { rolesOf, type Roles } from './roles.js';
import type { Problem } from './types.js';
import { isFloat } from './reference/index.js';
import { dataOf, EXTREMES, SLOTS, type Pattern } from './values.js';

export interface NamedProblem {
  /** Such as `tokens=17, normal`. */
  readonly name: string;
  readonly problem: Problem;
  /** SMs of the pretended device: a persistent grid is made small, so that its loop goes round again. */
  readonly multiprocessors: number;
}

/** Extent of dimensions that only indices reach: no power of two, so that a wrong stride shows. */
const TARGET_EXTENT = 37;
const SMS = 132;
/** Rows more than are counted: what is counted may be laid out with gaps. */
const SPARE_ROWS = 640;
/** Indices that a thread of a CTA counts where it counts all, and a bit. */
const COUNTED_AT_ONCE = 4.1;
/** Clusters that take rows, and most elements of these. */
const CLUSTERS = [8, 2];
const MOST_TOGETHER = 2 ** 16;

export function problemsOf(bound: BoundKernel, variant: VariantEntry): readonly NamedProblem[] {
  const roles = rolesOf(bound);
  const main = mainDims(bound, roles);
  const rows = isLong(bound)
    ? LONG_ROW_COUNTS
    : rowCounts(variant, main, longest(bound), countedOf(bound, roles));
  const shapes = [
    ...rows.map((count) => ({ count, pattern: 'normal' as const, setting: count % 2 })),
    { count: fewer(bound, 2 * EXTREMES, EXTREMES), pattern: 'extreme' as const, setting: 1 },
    { count: fewer(bound, 64, 8), pattern: 'poisoned' as const, setting: 0 },
    { count: fewer(bound, 64, 8), pattern: 'peaked' as const, setting: 1 },
    ...weightSlots(bound).map((slot) => ({ count: 1, pattern: 'weights' as const, setting: 1, slot })),
  ];
  const named = shapes.map(({ count, pattern, setting, ...more }) => {
    const slot = 'slot' in more ? more.slot : undefined;
    const extents = extentsOf(bound, roles, main, count, pattern === 'peaked');
    const what = slot === undefined ? pattern : `${pattern} ${slot}`;
    const name = [...main.map((dim) => `${dim}=${extents[dim]}`), what].join(', ');
    return {
      name,
      problem: problemOf(bound, variant, roles, extents, pattern, setting, slot),
      multiprocessors: SMS,
    };
  });
  const persistent = JSON.stringify(variant.launch.grid).includes('smCount');
  const largest = named[rows.length - 1];
  return persistent && largest
    ? [...named, { ...largest, name: `${largest.name}, 1 SM`, multiprocessors: 1 }]
    : named;
}

/** A NaN in what all rows share, such as a weight, is looked for at several of its places, one row each time: in a row it would spread. */
function weightSlots(bound: BoundKernel): readonly number[] {
  const shared = bound.tensors.some(
    ({ access, dtype, modes }) =>
      access === 'in' && isFloat(dtype) && modes.every(({ extent }) => extent !== 'dynamic'),
  );
  return shared ? Array.from({ length: SLOTS }, (_, slot) => slot) : [];
}

/** Elements that one position along the dynamic dimensions has at most. */
const longest = (bound: BoundKernel): number =>
  Math.max(
    ...bound.tensors.map(({ modes }) =>
      modes.reduce((product, { extent }) => product * (extent === 'dynamic' ? 1 : extent), 1),
    ),
  );

/** A row of more than this, such as a vocabulary, is spread over a CTA or more: what many rows could show, few do. */
const LONG_ROW = 2 ** 16;
const LONG_ROW_COUNTS = [0, 1, 2];

const isLong = (bound: BoundKernel): boolean => longest(bound) > LONG_ROW;

/** Elements of a problem of long rows, about. */
const ELEMENTS = 2 ** 20;

/** `many` rows, but of long rows fewer, down to `few`, and a third of those where one is very long. */
function fewer(bound: BoundKernel, many: number, few: number): number {
  const least = isLong(bound) ? Math.ceil(few / 3) : few;
  return Math.min(many, Math.max(least, Math.floor(ELEMENTS / longest(bound))));
}

/** A problem of ordinary values with `rows` positions along the dimensions that are rows. */
export function problemOfRows(bound: BoundKernel, variant: VariantEntry, rows: number): NamedProblem {
  const roles = rolesOf(bound);
  const main = mainDims(bound, roles);
  const extents = extentsOf(bound, roles, main, rows);
  const name = main.map((dim) => `${dim}=${extents[dim]}`).join(', ');
  return { name, problem: problemOf(bound, variant, roles, extents, 'normal', 1), multiprocessors: SMS };
}

/** Dynamic dimensions that are more than targets of an index. */
function mainDims(bound: BoundKernel, roles: Roles): readonly string[] {
  return Object.entries(bound.extents).flatMap(([dim, extent]) =>
    extent === 'dynamic' && !roles.targets.has(dim) ? [dim] : [],
  );
}

/** 0, 1, 2, a prime, and around the tiles that CTAs take alone and together. */
function rowCounts(
  variant: VariantEntry,
  main: readonly string[],
  longest: number,
  counted: number,
): readonly number[] {
  if (main.length === 0) return [1];
  const tiles = tilesOf(variant, main);
  const around = tiles.flatMap((tile) => [tile - 1, tile, tile + 1]);
  const [tile, together] = tiles;
  const counts = [0, 1, 2, 5, 17, ...around, ...(tile! > 1 && tile! <= 32 ? [2 * tile! + 1] : [])];
  // What a cluster shares of the rows of others: as many for each of its threads as one loads at once, or some.
  const several = CLUSTERS.map((clusters) => clusters * (together ?? 0) + tile! + 1);
  const most = several.find((count) => count * longest <= MOST_TOGETHER);
  if (together !== undefined && most !== undefined) counts.push(most);
  // A CTA that counts all rows alone loads some for each of its threads at once, too.
  const alone = Math.ceil((COUNTED_AT_ONCE * variant.launch.block[0]) / counted);
  if (together === undefined && counted > 0 && alone * longest <= MOST_TOGETHER) counts.push(alone);
  return [...new Set(counts.filter((count) => count >= 0))].sort((a, b) => a - b);
}

/** Indices that are counted of each row; 0 where nothing is counted. */
function countedOf(bound: BoundKernel, roles: Roles): number {
  const counts = bound.tensors
    .filter(({ name }) => roles.indices.get(name)?.some(({ kind }) => kind === 'tally'))
    .map(({ modes }) =>
      modes.reduce((product, { extent }) => product * (extent === 'dynamic' ? 1 : extent), 1),
    );
  return Math.max(0, ...counts);
}

/** Most rows that one CTA takes, or one a thread where it has more. */
const MOST_ROWS = 256;

/**
 * Rows that one CTA takes and, where they are other, those of a cluster: the fewest at which the launch has more CTAs, less
 * one; a cluster's are spread over its CTAs.
 */
export function tilesOf(variant: VariantEntry, main: readonly string[]): readonly number[] {
  const ctas = (count: number): number => {
    const dims = { ...variant.dims, ...Object.fromEntries(main.map((dim) => [dim, count])) };
    for (const [dim, extent] of Object.entries(variant.dims))
      if (extent === 'dynamic' && !main.includes(dim)) dims[dim] = TARGET_EXTENT;
    const grid = evaluateGrid(variant.launch, { dims: dims as Record<string, number>, smCount: 2 ** 20 });
    return grid ? grid[0] : 0;
  };
  const one = ctas(1);
  const cluster = variant.launch.cluster[0];
  const most = Math.max(MOST_ROWS, variant.launch.block[0]) * cluster;
  for (let count = 2; count <= most; count++)
    if (ctas(count) > one) return [...new Set([Math.max(1, Math.floor((count - 1) / cluster)), count - 1])];
  return [1];
}

function extentsOf(
  bound: BoundKernel,
  roles: Roles,
  main: readonly string[],
  count: number,
  short = false,
): Record<string, number> {
  const extents: Record<string, number> = {};
  for (const [dim, extent] of Object.entries(bound.extents)) {
    if (extent !== 'dynamic') extents[dim] = extent;
    // A second dimension is as long as the first and a bit: rows and columns must not be mixed up.
    else extents[dim] = main.includes(dim) ? count + 3 * main.indexOf(dim) : TARGET_EXTENT;
  }
  for (const { dim, rows } of roles.offsets.values()) {
    // Ranges of a few rows each, some of them empty.
    extents[rows] = count;
    extents[dim] = count === 0 ? 0 : 3 * count + 1;
  }
  if (count === 0) for (const dim of main) extents[dim] = 0;
  // A target that rows are scattered to has room for each of them, but in one problem where counts lay them out: a caller
  // cannot know how many there will be.
  for (const [source, uses] of roles.indices) {
    const writes = uses.filter(({ kind }) => kind === 'scatter');
    const counted = uses.some(({ kind }) => kind === 'tally');
    const spare = counted ? SPARE_ROWS : 2;
    const tensor = bound.tensors.find(({ name }) => name === source)!;
    for (const { dims } of writes) {
      const open = dims.find((dim) => bound.extents[dim] === 'dynamic' && roles.targets.has(dim));
      if (open === undefined) continue;
      const others = dims.filter((dim) => dim !== open).reduce((product, dim) => product * extents[dim]!, 1);
      const needed = tensor.modes.reduce((product, mode) => product * extents[mode.dim]!, 1);
      const whole = Math.ceil(needed / others);
      extents[open] = short && counted ? Math.floor(whole / 2) : Math.max(3, whole + spare);
    }
  }
  return extents;
}

function problemOf(
  bound: BoundKernel,
  variant: VariantEntry,
  roles: Roles,
  extents: Readonly<Record<string, number>>,
  pattern: Pattern,
  setting: number,
  slot = 0,
): Problem {
  // Each NaN of a weight lies among other values: whether it leaks to its neighbours hangs on their order.
  const seed = `${variant.kernel} ${JSON.stringify(extents)} ${pattern}${slot || ''}`;
  const random = new Random(seedOf(seed));
  const weighed = isWeighed(bound);
  const inputs = new Map<string, Float64Array>();
  const ranged = new Set([...roles.offsets.values()].map(({ dim }) => dim));
  const alike = ({ modes }: BoundTensor): number => (modes.some(({ dim }) => ranged.has(dim)) ? 3 : 1);
  for (const [ordinal, tensor] of bound.tensors.entries()) {
    if (tensor.access === 'out') continue;
    const { shape } = layoutOf(tensor, variant, extents);
    const uses = roles.indices.get(tensor.name);
    const offsets = roles.offsets.get(tensor.name);
    if (offsets) {
      const into = pattern === 'normal' ? offsetsInto : offsetsByThree;
      inputs.set(tensor.name, into(shape[0]!, extents[offsets.dim]!, random));
    } else if (uses)
      inputs.set(tensor.name, indicesFor(bound, tensor, shape, uses, extents, random, pattern));
    else {
      const among = { ordinal, alike: alike(tensor), slot, weighed };
      inputs.set(tensor.name, dataOf(tensor, shape, pattern, random, among));
    }
  }
  const params = Object.fromEntries(
    bound.params.map(({ name, dtype }) => [name, dtype === 'f32' ? SETTINGS[setting % 2]! : INTEGER]),
  );
  return { extents, params, inputs };
}

/** Values of f32 parameters: one as an epsilon is, one as a scale is. */
const SETTINGS = [0.375, 1e-5];
