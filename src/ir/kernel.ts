/**
 * The typed tile IR.
 *
 * A kernel goes through two forms. In the **formula form** a section is a graph of named-axis values (`Value`) and the
 * tensors they are stored to; passes rewrite the graph, give every axis a role and lay the lanes on threads. The
 * pass `lower-sweeps` then turns it into the **tile form**: statements a thread runs (`tile.ts`), which the printer
 * renders line by line. Everything is readonly; a pass returns a new kernel.
 */

import type {
  Access as TensorAccess,
  Axis,
  BinaryOp,
  CompareOp,
  Dtype,
  Extent,
  Rounding,
  SelectFn,
  UnaryOp,
} from '../spec/index.js';
import type { Place } from '../util/errors.js';
import type { Layout } from '../layout/index.js';
import type { ReduceFn, Statement } from './tile.js';

export type { ReduceFn };

// -------------------------------------------------------------------- values

/** Index of a value in its section's list; operands come before their users. */
export type ValueId = number;

/**
 * A stride or offset in elements: `factor` times the product of launch-time scalars (dynamic dimensions, or stride
 * arguments such as `x_stride0`).
 */
export interface Stride {
  readonly factor: number;
  readonly symbols: readonly string[];
}

/** One summand of an element's offset from its tensor's base. */
export type Term =
  | { readonly kind: 'axis'; readonly axis: Axis; readonly stride: Stride }
  | { readonly kind: 'value'; readonly value: ValueId; readonly stride: Stride }
  | { readonly kind: 'constant'; readonly stride: Stride };

/** A data-dependent index must lie in [0, extent); otherwise a load gives 0 and a store is dropped. */
export interface Bound {
  readonly value: ValueId;
  /** A number, or the name of a dynamic dimension. */
  readonly extent: number | string;
}

/** Where an element of a tensor lies: the sum of the terms. */
export interface Access {
  readonly tensor: string;
  readonly terms: readonly Term[];
  readonly bounds: readonly Bound[];
}

interface ValueBase {
  readonly id: ValueId;
  readonly dtype: Dtype;
  /** Axes it varies over, in the section's axis order. */
  readonly axes: readonly Axis[];
  /** The formula's name for it, kept for readable modules. */
  readonly name?: string;
  readonly span: Place;
}

export type Value = ValueBase &
  (
    | { readonly kind: 'literal'; readonly value: number | boolean }
    | { readonly kind: 'param'; readonly param: string }
    | { readonly kind: 'position'; readonly axis: Axis }
    | { readonly kind: 'extent'; readonly dim: string }
    | { readonly kind: 'load'; readonly access: Access }
    /** The operand read at position `scale * p + offset` of a static axis. */
    | {
        readonly kind: 'remap';
        readonly operand: ValueId;
        readonly axis: Axis;
        readonly scale: number;
        readonly offset: number;
      }
    | { readonly kind: 'unary'; readonly fn: UnaryOp; readonly operand: ValueId }
    | { readonly kind: 'binary'; readonly fn: BinaryOp; readonly left: ValueId; readonly right: ValueId }
    | { readonly kind: 'compare'; readonly fn: CompareOp; readonly left: ValueId; readonly right: ValueId }
    | {
        readonly kind: 'select';
        readonly condition: ValueId;
        readonly then: ValueId;
        readonly otherwise: ValueId;
      }
    | {
        readonly kind: 'cast';
        readonly operand: ValueId;
        readonly rounding: Rounding;
        readonly saturate: boolean;
      }
    | {
        readonly kind: 'reduce';
        readonly fn: ReduceFn;
        readonly over: readonly Axis[];
        readonly operand: ValueId;
      }
    /** Over the positions [begin, end) of a dynamic axis. */
    | {
        readonly kind: 'range-reduce';
        readonly fn: ReduceFn;
        readonly over: Axis;
        readonly begin: ValueId;
        readonly end: ValueId;
        readonly operand: ValueId;
      }
    /**
     * Positions along `over`, one axis or the blocks of one and what lies in them, of the largest (smallest) elements, in order:
     * they lie along `slots`. What `allowed` (bool) leaves out comes last.
     */
    | {
        readonly kind: 'top';
        readonly fn: SelectFn;
        readonly over: readonly Axis[];
        readonly slots: Axis;
        readonly operand: ValueId;
        readonly allowed?: ValueId;
      }
    /** Position along `over` of the largest (smallest) element, as `top` (`bottom`) orders them. */
    | {
        readonly kind: 'arg';
        readonly fn: 'argmax' | 'argmin';
        readonly over: Axis;
        readonly operand: ValueId;
      }
    /**
     * The order key of the last of a row's leading elements: of the first `need` (i32) in the order of `top`, or of the shortest
     * run of them whose weights (in units of 2^-28, at most 1, not rising) add up to the share `need` (f32) of all. Over `a%n`,
     * of each block of `a`; over `a/n`, of the blocks.
     */
    | {
        readonly kind: 'cut';
        readonly over: Axis;
        readonly operand: ValueId;
        readonly weight?: ValueId;
        readonly need: ValueId;
      }
    /**
     * The last position of a cut: of the elements with its key, those up to here are before it. Within blocks it is the position in
     * the whole axis.
     */
    | { readonly kind: 'cut-end'; readonly cut: ValueId }
    /** An f32 as an i32 of the order of `top`. */
    | { readonly kind: 'order'; readonly operand: ValueId }
    /** 32 bits of Philox 4x32-10 for each position of an axis; seed and offset (i64) are the same for the whole row. */
    | { readonly kind: 'random'; readonly axis: Axis; readonly seed: ValueId; readonly offset: ValueId }
    /** The operand read at position `index` of an axis, which a selection along it gave. Gone after `push-picks`. */
    | { readonly kind: 'pick'; readonly operand: ValueId; readonly axis: Axis; readonly index: ValueId }
    /** How many positions of `over` have each index of `bins`: along `bins`. */
    | {
        readonly kind: 'count';
        readonly over: readonly Axis[];
        readonly bins: Axis;
        readonly operand: ValueId;
      }
    /** How many earlier positions of `over`, row-major, have the same index. After `split-tables`, `counts` is their count. */
    | {
        readonly kind: 'rank';
        readonly over: readonly Axis[];
        readonly bins: Axis;
        readonly operand: ValueId;
        readonly counts?: ValueId;
      }
    /** Along `over` the sums of what lies before. */
    | { readonly kind: 'scan'; readonly over: Axis; readonly operand: ValueId }
    /** The operand, which varies over `axis` alone, at an index; 0 outside of `extent`. */
    | {
        readonly kind: 'lookup';
        readonly operand: ValueId;
        readonly axis: Axis;
        readonly extent: number;
        readonly index: ValueId;
      }
    /** Value `place` of the section's tables, along one axis. */
    | { readonly kind: 'table'; readonly place: ValueId }
    /**
     * In a section's later part: value `carries[place]` of the part before. A selection's lies along `along`, the others
     * are the same for the whole row.
     */
    | { readonly kind: 'carried'; readonly place: number; readonly along?: Axis }
  );

/** A write to global memory. */
export interface Store {
  readonly access: Access;
  readonly value: ValueId;
  /** bool value that must hold. */
  readonly where?: ValueId;
  readonly span: Place;
}

// ---------------------------------------------------------------------- axes

/**
 * What the schedule does with an axis.
 * - `row`: its positions are independent; they are spread over CTAs and row groups.
 * - `lane`: spread over the threads, vectors and tiles of one row.
 * - `range`: walked by a loop between data-dependent ends.
 */
export type AxisRole = 'row' | 'lane' | 'range';

export interface AxisInfo {
  readonly axis: Axis;
  readonly extent: Extent;
  readonly role: AxisRole;
  /** Of a lane axis: a thread has all of its positions, so that what does not vary along it is loaded once for them. */
  readonly walked?: true;
}

/** How one row is spread over threads. Positions along the lane axes are numbered colexicographically, fastest axis first. */
export interface LaneLayout {
  /** Lane axes, fastest first, with their extents; of a dynamic one `extent` is only a bound. */
  readonly axes: readonly LaneAxis[];
  /** Threads that share a row, in one CTA. */
  readonly threads: number;
  /** Elements of the fastest axis that a thread handles at once. */
  readonly vector: number;
  /** Vectors a thread handles, one entry for each tile mode. */
  readonly tiles: readonly TileMode[];
  /** (threads, vector, tile modes...) -> lane position. */
  readonly layout: Layout;
  /** CTAs of a cluster that share the row; each holds an equal part of the slowest tile mode. */
  readonly cluster: number;
  /** The axis that the last tile reaches past the end of: the fastest, or of a row in blocks the slowest. */
  readonly tail?: Axis;
  /** The row may end inside a vector: its last elements are moved one by one. */
  readonly partial: boolean;
}

export interface LaneAxis {
  readonly axis: Axis;
  readonly extent: number;
  readonly dynamic: boolean;
}

/** Extent that layouts give to a lane axis whose length is known only at launch: no row is longer. */
export const DYNAMIC_LANE_BOUND = 2 ** 30;

/** One mode of the tiles of a thread: `extent` positions of `axis`, `step` elements of it apart. */
export interface TileMode {
  readonly axis: Axis;
  readonly extent: number;
  readonly step: number;
}

// ------------------------------------------------------------------ schedule

/**
 * What dependent launch does before the wait for the previous kernel: asks the L2 for the row's inputs, lets the next kernel start,
 * or both.
 */
export type Ahead = 'prefetch' | 'signal' | 'both';

/** Accesses that get a cache hint: see `StreamHint`. */
export type Streams = 'loads' | 'stores' | 'all' | 'no-allocate';

/** Where values that more than one sweep needs are kept: in registers, in shared memory, or nowhere (loaded again). */
export type Residency = 'registers' | 'shared' | 'reload';

/** How a variant is laid on the hardware. */
export interface Schedule {
  /** Threads of a CTA. */
  readonly threads: number;
  /** CTAs of a cluster that share one row; 1 without a cluster. */
  readonly cluster: number;
  /** CTAs of a cluster that count all rows together, each with rows of its own; absent: each CTA counts all. */
  readonly counters?: number;
  readonly residency: Residency;
  /** CTAs of a persistent grid on one SM; absent: one CTA for each tile of rows. */
  readonly persistent?: { readonly ctasPerSm: number };
  /** CTAs on an SM that the assembler leaves registers for; absent: it aims at full occupancy and takes groups of loads apart. */
  readonly minBlocks?: number;
  /** Positions of a gathered range, or tiles of a long row, whose loads are in flight together; absent: as many as registers allow. */
  readonly steps?: number;
  /** Done before the wait for the previous kernel, beside loading weights; absent: nothing. */
  readonly ahead?: Ahead;
  /** Cache hints for what is read or written once; absent: none. */
  readonly streams?: Streams;
  /** Why this schedule: one sentence a choice. */
  readonly reasons: readonly string[];
}

/** CTAs of a cluster as it is launched. */
export const clusterSize = ({ cluster, counters = 1 }: Schedule): number => cluster * counters;

/** What the schedule fixes for one section. */
export interface SectionSchedule {
  /** Threads that share a row, in one CTA. */
  readonly threadsPerRow: number;
  readonly rowsPerCta: number;
  /** Elements a thread loads at once. */
  readonly vector: number;
  /** The row lies in blocks: threads that share one of them. */
  readonly threadsPerBlock?: number;
  /** The row is long: its tiles are walked in loops, each of a cluster's CTAs taking as many, and the last may be empty. */
  readonly split?: boolean;
}

// -------------------------------------------------------------------- kernel

export interface IrTensor {
  readonly name: string;
  readonly dtype: Dtype;
  readonly access: TensorAccess;
  /** Human form of shape and strides, for comments: `(tokens, hidden=4096) bf16`. */
  readonly shape: readonly string[];
  /** Guaranteed alignment of the pointer, in bytes. */
  readonly align: number;
  /** A parameter of the model, which no kernel writes. */
  readonly weight: boolean;
  readonly doc?: string;
}

/** A scalar argument: a parameter of the spec, a dynamic dimension or a stride. */
export interface IrScalar {
  readonly name: string;
  readonly dtype: 'f32' | 'i32' | 'i64';
  readonly source:
    | { readonly kind: 'param' }
    | { readonly kind: 'dim'; readonly dim: string }
    | { readonly kind: 'stride'; readonly tensor: string; readonly entry: number };
  /** The value is a multiple of this. */
  readonly multipleOf: number;
}

/** One named region of shared memory. */
export interface SharedRegion {
  readonly name: string;
  readonly dtype: Dtype;
  readonly elements: number;
  readonly align: number;
  /** The dimension that a table lies along; absent: no table. */
  readonly along?: Axis;
}

export interface Section {
  readonly name: string;
  readonly values: readonly Value[];
  readonly stores: readonly Store[];
  /** After `assign-axes`: rows slowest first, then lanes fastest first, then the range axis. */
  readonly axes: readonly AxisInfo[];
  readonly schedule?: SectionSchedule;
  readonly lanes?: LaneLayout;
  /**
   * What varies over the positions of a table, the same for all rows: counts and what is made of them, and stores of it.
   * Each CTA has it in shared memory before its first row. After `split-tables`.
   */
  readonly tables?: Section;
  /** Values that the next part uses: selections, and reductions of the whole row. */
  readonly carries?: readonly ValueId[];
  /** What the same threads do next for the same row, over the positions of a selection instead of the row's. */
  readonly then?: Section;
  /** Of the first part, with the statements of all. After `lower-sweeps`. */
  readonly body?: readonly Statement[];
}

/** What the passes compile for. */
export interface Target {
  /** Architecture name, `sm90`. */
  readonly arch: string;
  readonly phase: 'prefill' | 'decode';
  /** Emit programmatic dependent launch. */
  readonly dependentLaunch: boolean;
}

export interface Kernel {
  readonly name: string;
  readonly tensors: readonly IrTensor[];
  readonly scalars: readonly IrScalar[];
  readonly sections: readonly Section[];
  readonly schedule?: Schedule;
  readonly shared: readonly SharedRegion[];
}

export const stride = (factor: number, symbols: readonly string[] = []): Stride => ({ factor, symbols });

/** A section and its later parts, in order. */
export function partsOf(section: Section): readonly Section[] {
  return [section, ...(section.then ? partsOf(section.then) : [])];
}

/** Values that `value` reads. */
export function operands(value: Value): readonly ValueId[] {
  switch (value.kind) {
    case 'literal':
    case 'param':
    case 'position':
    case 'extent':
    case 'carried':
    case 'table':
      return [];
    case 'load':
      return value.access.terms.flatMap((term) => (term.kind === 'value' ? [term.value] : []));
    case 'remap':
    case 'unary':
    case 'cast':
    case 'reduce':
    case 'count':
    case 'rank':
    case 'scan':
    case 'arg':
    case 'order':
      return [value.operand];
    case 'top':
      return [value.operand, ...(value.allowed === undefined ? [] : [value.allowed])];
    case 'cut':
      return [value.operand, ...(value.weight === undefined ? [] : [value.weight]), value.need];
    case 'cut-end':
      return [value.cut];
    case 'random':
      return [value.seed, value.offset];
    case 'pick':
    case 'lookup':
      return [value.operand, value.index];
    case 'binary':
    case 'compare':
      return [value.left, value.right];
    case 'select':
      return [value.condition, value.then, value.otherwise];
    case 'range-reduce':
      return [value.operand, value.begin, value.end];
    default:
      value satisfies never;
      return [];
  }
}

/** Values that a store reads. */
export function storeOperands(store: Store): readonly ValueId[] {
  const indices = store.access.terms.flatMap((term) => (term.kind === 'value' ? [term.value] : []));
  return [store.value, ...indices, ...(store.where === undefined ? [] : [store.where])];
}

/** `value` with its operands renamed. */
export function mapOperands(value: Value, map: (id: ValueId) => ValueId): Value {
  switch (value.kind) {
    case 'literal':
    case 'param':
    case 'position':
    case 'extent':
    case 'carried':
    case 'table':
      return value;
    case 'load':
      return { ...value, access: mapAccess(value.access, map) };
    case 'remap':
    case 'unary':
    case 'cast':
    case 'reduce':
    case 'count':
    case 'rank':
    case 'scan':
    case 'arg':
    case 'order':
      return { ...value, operand: map(value.operand) };
    case 'top':
      return {
        ...value,
        operand: map(value.operand),
        ...(value.allowed !== undefined && { allowed: map(value.allowed) }),
      };
    case 'cut':
      return {
        ...value,
        operand: map(value.operand),
        ...(value.weight !== undefined && { weight: map(value.weight) }),
        need: map(value.need),
      };
    case 'cut-end':
      return { ...value, cut: map(value.cut) };
    case 'random':
      return { ...value, seed: map(value.seed), offset: map(value.offset) };
    case 'pick':
    case 'lookup':
      return { ...value, operand: map(value.operand), index: map(value.index) };
    case 'binary':
    case 'compare':
      return { ...value, left: map(value.left), right: map(value.right) };
    case 'select':
      return {
        ...value,
        condition: map(value.condition),
        then: map(value.then),
        otherwise: map(value.otherwise),
      };
    case 'range-reduce':
      return { ...value, operand: map(value.operand), begin: map(value.begin), end: map(value.end) };
    default:
      value satisfies never;
      return value;
  }
}

export function mapAccess(access: Access, map: (id: ValueId) => ValueId): Access {
  return {
    ...access,
    terms: access.terms.map((term) => (term.kind === 'value' ? { ...term, value: map(term.value) } : term)),
    bounds: access.bounds.map((bound) => ({ ...bound, value: map(bound.value) })),
  };
}

export function mapStore(store: Store, map: (id: ValueId) => ValueId): Store {
  return {
    ...store,
    access: mapAccess(store.access, map),
    value: map(store.value),
    ...(store.where !== undefined && { where: map(store.where) }),
  };
}
