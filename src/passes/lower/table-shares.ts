/**
 * Rows that are counted -> the rows each CTA counts.
 *
 * A CTA alone counts all. The CTAs of a cluster count together: each its own rows, and a share of those before and of those
 * after the cluster's. Each then shows its counts to all of the cluster, whose sums are the counts of all rows and of the
 * rows before a CTA's own. Rows of a CTA's own that are to be ranked are counted by warp (`table-ranks`).
 */

import type { Axis } from '../../spec/index.js';
import {
  arith,
  clusterRank,
  compare,
  i32,
  guarded,
  name,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { choose, extreme, fresh, read, write } from './scalars.js';
import type { SectionContext } from './section-context.js';
import { spread } from './spread.js';
import { placeOfWarp, startWarps, sumOfWarps, type ByWarp, type OwnRows } from './table-warps.js';

/** Rows whose indices a thread loads before it counts them: of few rows or its own, of all by one CTA of many, and of a share. */
const AT_ONCE = { few: 4, many: 8, share: 8 };

const thread = name('thread', 'i32');

/** Shared arrays of one count: of all rows and, where ranks are wanted, of those before the CTA's own, and of its own by warp. */
export interface Counted {
  readonly total: string;
  readonly before: string | undefined;
  readonly byWarp: ByWarp | undefined;
  readonly extent: number;
  /** The dimension of `extent`. */
  readonly bins: Axis;
}

/** A loop of every thread over rows to count. */
export interface CountingWalk {
  readonly begin: TileExpr;
  readonly end: TileExpr;
  /** Places from one of a thread to its next. */
  readonly stride: number;
  readonly atOnce: number;
  /** The row at a place. */
  row(place: TileExpr): TileExpr;
  /** Counts the row at a place, where its index is `index`. */
  add(count: number, index: TileExpr, place: TileExpr): readonly Statement[];
}

export interface Shares {
  /** Arrays to clear first. */
  readonly cleared: readonly { readonly name: string; readonly extent: number }[];
  readonly walks: readonly CountingWalk[];
  /** Makes the counts of what the walks have added, a barrier after them; ends with one itself where it adds anything. */
  finish(): void;
}

/** The CTAs of a cluster that count together; 1 without. */
export const countingCtas = ({ kernel }: SectionContext): number => kernel.schedule!.counters ?? 1;

export function sharesOf(
  context: SectionContext,
  counted: readonly Counted[],
  rows: TileExpr,
  own: OwnRows,
): Shares {
  const shares = (countingCtas(context) > 1 ? together : alone)(context, counted, rows, own);
  const byWarp = counted.flatMap((each) => (each.byWarp ? [{ ...each, byWarp: each.byWarp }] : []));
  if (byWarp.length === 0) return shares;
  return {
    cleared: [
      ...shares.cleared,
      ...byWarp.map(({ byWarp: { name, elements } }) => ({ name, extent: elements })),
    ],
    walks: shares.walks,
    finish: () => {
      shares.finish();
      context.prologue.push(
        ...byWarp.flatMap(({ byWarp: warps, before, extent }) =>
          spread(context, extent, (index) => startWarps(context, warps, before!, extent, index)),
        ),
        { kind: 'barrier' },
      );
    },
  };
}

const more = (to: string, index: TileExpr): Statement => ({ kind: 'shared-add', to, index, value: i32(1) });

/** The CTA's own rows, each by the thread that ranks it: by warp where they are ranked, else to `rest`. */
function ownWalk(
  { kernel }: SectionContext,
  counted: readonly Counted[],
  own: OwnRows,
  rest: (count: number, index: TileExpr) => readonly Statement[],
): CountingWalk {
  return {
    begin: own.begin,
    end: own.end,
    stride: own.stride,
    // Without a persistent grid a thread has one row.
    atOnce: kernel.schedule!.persistent ? AT_ONCE.few : 1,
    row: (place) => place,
    add: (count, index) => {
      const { byWarp, extent } = counted[count]!;
      return byWarp ? [more(byWarp.name, placeOfWarp(extent, index))] : rest(count, index);
    },
  };
}

function alone(context: SectionContext, counted: readonly Counted[], rows: TileExpr, own: OwnRows): Shares {
  const { threads, persistent } = context.kernel.schedule!;
  const allWalk: CountingWalk = {
    begin: thread,
    end: rows,
    stride: threads,
    atOnce: AT_ONCE[persistent ? 'many' : 'few'],
    row: (place) => place,
    add: (count, index, place) => {
      const { total, before } = counted[count]!;
      return [
        more(total, index),
        ...(before === undefined ? [] : guarded(compare('<', place, own.first), [more(before, index)])),
      ];
    },
  };
  const cleared = counted.flatMap(({ total, before, extent }) =>
    [total, before].flatMap((each) => (each === undefined ? [] : [{ name: each, extent }])),
  );
  const byWarp = counted.some((each) => each.byWarp);
  return {
    cleared,
    walks: [allWalk, ...(byWarp ? [ownWalk(context, counted, own, () => [])] : [])],
    finish: () => undefined,
  };
}

/** Parts of a CTA's counts that differ for ranks: of rows before the cluster's, of its own rows, of those after the cluster's. */
const PARTS = { before: 0, own: 1, after: 2 };

function together(
  context: SectionContext,
  counted: readonly Counted[],
  rows: TileExpr,
  own: OwnRows,
): Shares {
  const { names, prologue, shared } = context;
  const { threads, persistent, steps } = context.kernel.schedule!;
  const ctas = countingCtas(context);
  prologue.push({
    kind: 'cluster-barrier',
    half: 'arrive',
    comment: 'every CTA of the cluster runs: its shared memory may be written',
  });
  const bind = (wanted: string, value: TileExpr) => context.bind(wanted, value, prologue);
  const begin = bind('cluster_begin', arith('-', own.first, arith('*', clusterRank, own.count)));
  const end = arith('+', begin, arith('*', own.count, i32(ctas)));
  const ours = bind('cluster_rows', arith('-', extreme('min', end, rows), extreme('min', begin, rows)));
  const allocate = (wanted: string, elements: number, along: Axis): string => {
    const region = names.fresh(wanted);
    shared.push({ name: region, dtype: 'i32', elements, align: 16, along });
    return region;
  };
  const shares = counted.map(({ total, before, extent, bins }) => {
    const elements = extent * (before === undefined ? 1 : Object.keys(PARTS).length);
    return {
      own: allocate(`${total}_own`, elements, bins),
      shown: allocate(`${total}_shown`, elements * ctas, bins),
      elements,
    };
  });
  const add = (count: number, index: TileExpr, part: (extent: number) => TileExpr) => {
    const { before, extent } = counted[count]!;
    return [more(shares[count]!.own, before === undefined ? index : arith('+', part(extent), index))];
  };
  const otherWalk: CountingWalk = {
    begin: arith('+', arith('*', clusterRank, i32(threads)), thread),
    end: bind('other_rows', arith('-', rows, ours)),
    stride: threads * ctas,
    // Without a persistent grid there are few.
    atOnce: persistent ? (steps ?? AT_ONCE.share) : 1,
    row: (place) => choose(compare('<', place, begin), place, arith('+', place, ours)),
    add: (count, index, place) =>
      add(count, index, (extent) =>
        choose(compare('<', place, begin), i32(PARTS.before * extent), i32(PARTS.after * extent)),
      ),
  };
  const finish = (): void => {
    counted.forEach(({ byWarp, extent }, i) => {
      if (!byWarp) return;
      const to = (index: TileExpr) => arith('+', i32(PARTS.own * extent), index);
      prologue.push(
        ...spread(context, extent, (index) =>
          sumOfWarps(context, byWarp, extent, index, (sum) => write(shares[i]!.own, to(index), sum)),
        ),
      );
    });
    prologue.push({ kind: 'barrier' }, { kind: 'cluster-barrier', half: 'wait' });
    shares.forEach(({ own: mine, shown, elements }) => {
      prologue.push(
        ...spread(context, elements, (index) => [
          {
            kind: 'cluster-store',
            to: shown,
            index: arith('+', arith('*', clusterRank, i32(elements)), index),
            value: read(mine, index),
            cluster: ctas,
          },
        ]),
      );
    });
    prologue.push({ kind: 'cluster-barrier' });
    counted.forEach((count, i) => prologue.push(...sumShown(context, count, shares[i]!)));
    prologue.push({ kind: 'barrier' });
  };
  const ownRest = (count: number, index: TileExpr) => add(count, index, (extent) => i32(PARTS.own * extent));
  return {
    cleared: shares.map(({ own: mine, elements }) => ({ name: mine, extent: elements })),
    walks: [ownWalk(context, counted, own, ownRest), otherWalk],
    finish,
  };
}

/** Sums of what the CTAs of a cluster have shown. */
function sumShown(
  context: SectionContext,
  { total, before, extent }: Counted,
  { shown, elements }: { readonly shown: string; readonly elements: number },
): readonly Statement[] {
  const { names } = context;
  return spread(context, extent, (index) => {
    const cta = names.fresh('each_cta');
    const part = (which: number) =>
      read(
        shown,
        arith('+', arith('*', name(cta, 'i32'), i32(elements)), arith('+', i32(which * extent), index)),
      );
    const sum = fresh(names, 'sum');
    const sumBefore = fresh(names, 'sum_before');
    const parts = before === undefined ? [0] : Object.values(PARTS);
    const body: Statement[] = parts.map((which) => ({
      kind: 'assign',
      name: sum.name,
      value: arith('+', sum, part(which)),
    }));
    if (before !== undefined) {
      const earlier = choose(compare('<', name(cta, 'i32'), clusterRank), part(PARTS.own), i32(0));
      const value = arith('+', sumBefore, arith('+', part(PARTS.before), earlier));
      body.push({ kind: 'assign', name: sumBefore.name, value });
    }
    return [
      { kind: 'let', name: sum.name, value: i32(0) },
      ...(before === undefined ? [] : [{ kind: 'let', name: sumBefore.name, value: i32(0) } as const]),
      { kind: 'unroll', variable: cta, extent: countingCtas(context), body },
      write(total, index, sum),
      ...(before === undefined ? [] : [write(before, index, sumBefore)]),
    ];
  });
}
