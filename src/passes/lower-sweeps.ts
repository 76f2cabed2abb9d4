/**
 * lower-sweeps: formula form -> tile form.
 *
 * Before: each section is a graph of values with a thread-value layout.   After: each has the statements one thread runs.
 * A kernel of several sections gives each a run of CTAs of its own; a persistent grid walks its tiles of rows in a loop.
 */

import { arith, compare, i32, name, someWithin, type Statement, type TileExpr } from '../ir/tile.js';
import type { Kernel, Section, SharedRegion } from '../ir/kernel.js';
import { rowCount } from './lower/expressions.js';
import { lowerSection } from './lower/lower-section.js';
import { Names } from './lower/names.js';
import { extreme } from './lower/scalars.js';

export function lowerSweeps(kernel: Kernel): Kernel {
  const names = new Names();
  const taken = [
    ...kernel.scalars.map((scalar) => scalar.name),
    ...kernel.tensors.map((tensor) => `${tensor.name}_ptr`),
  ];
  ['thread', 'cta', ...taken].forEach((each) => names.fresh(each));
  const shared: SharedRegion[] = [];
  let first: TileExpr = i32(0);
  const sections = kernel.sections.map((section) => {
    const tile = arith('-', name('cta', 'i32'), first);
    const end = arith('+', first, tileCount(kernel, section));
    const lowered = lowerTiles(kernel, section, names, tile);
    shared.push(...lowered.shared);
    const body: readonly Statement[] =
      kernel.sections.length === 1
        ? lowered.body
        : [
            {
              kind: 'if',
              condition: inRange(name('cta', 'i32'), first, end),
              then: lowered.body,
              comment: `section ${section.name}`,
            },
          ];
    first = end;
    return { ...section, body };
  });
  return { ...kernel, sections, shared };
}

/** CTAs that a section takes: one for each tile of rows, in whole clusters. */
export function tileCount(kernel: Kernel, section: Section): TileExpr {
  const { cluster, counters = 1 } = kernel.schedule!;
  const tiles = rowTiles(section);
  // Those that count together are there together.
  const whole = arith('*', arith('/', arith('+', tiles, i32(counters - 1)), i32(counters)), i32(counters));
  return arith('*', counters === 1 ? tiles : whole, i32(cluster));
}

function rowTiles(section: Section): TileExpr {
  const { rowsPerCta } = section.schedule!;
  const rows = rowCount(section);
  const tiles = rowsPerCta === 1 ? rows : arith('/', arith('+', rows, i32(rowsPerCta - 1)), i32(rowsPerCta));
  if (!section.tables || tiles.kind === 'literal') return tiles;
  // Tables are written without rows, too.
  return extreme('max', tiles, i32(1));
}

function inRange(value: TileExpr, begin: TileExpr, end: TileExpr): TileExpr {
  const below = compare('<', value, end);
  if (begin.kind === 'literal' && begin.value === 0) return below;
  return {
    kind: 'binary',
    fn: '&&',
    left: compare('>=', value, begin),
    right: below,
    dtype: 'bool',
    width: 0,
  };
}

function lowerTiles(
  kernel: Kernel,
  section: Section,
  names: Names,
  tile: TileExpr,
): { body: readonly Statement[]; shared: readonly SharedRegion[] } {
  const { cluster, persistent } = kernel.schedule!;
  const first = arith('/', tile, i32(cluster));
  const ctas: TileExpr =
    kernel.sections.length === 1 ? { kind: 'cta-count', dtype: 'i32', width: 0 } : tileCount(kernel, section);
  if (!persistent) {
    const place = { first, count: i32(1), cta: tile, ctas };
    const { prologue, body, shared } = lowerSection(kernel, section, names, first, place);
    const whole = [...prologue, ...body];
    return { body: section.schedule!.split ? waitLate(whole) : whole, shared };
  }
  const variable = names.fresh('row_tile');
  const tiles = rowTiles(section);
  const before: Statement[] = [];
  const { walk, ...own } = section.tables
    ? neighbours(first, tiles, ctas, names, before)
    : { walk: { begin: first, end: tiles, step: arith('/', ctas, i32(cluster)) }, first, count: i32(1) };
  const place = { ...own, cta: tile, ctas };
  const { prologue, body, shared } = lowerSection(kernel, section, names, name(variable, 'i32'), place);
  const loop: Statement = {
    kind: 'loop',
    variable,
    ...walk,
    unroll: 1,
    // Partial results of this tile must be read before the next tile overwrites them; what is counted is a warp's own.
    body: [...body, ...(section.tables ? [] : betweenTiles(shared, cluster))],
  };
  return { body: [...before, ...prologue, loop], shared };
}

/** The cluster's first barrier is waited at where its CTAs meet first: loads are asked for while others start. */
function waitLate(body: readonly Statement[]): readonly Statement[] {
  const start = body.findIndex(({ kind }) => kind === 'cluster-barrier');
  const meets = body.findIndex((statement, i) => i > start && meetsCluster(statement));
  if (start < 0 || meets < 0) return body;
  const wait: Statement = { kind: 'cluster-barrier', half: 'wait' };
  return [
    ...body.slice(0, start),
    { ...body[start]!, kind: 'cluster-barrier', half: 'arrive' },
    ...body.slice(start + 1, meets),
    wait,
    ...body.slice(meets),
  ];
}

const MEETS_CLUSTER: ReadonlySet<Statement['kind']> = new Set([
  'cluster-barrier',
  'cluster-store',
  'row-total',
  'search-bins',
  'gather-list',
]);

const meetsCluster = (statement: Statement): boolean =>
  someWithin(statement, ({ kind }) => MEETS_CLUSTER.has(kind));

/** Tiles next to each other, as many for each CTA, so that the ranks of a CTA's rows go on from those before. */
function neighbours(
  cta: TileExpr,
  tiles: TileExpr,
  ctas: TileExpr,
  names: Names,
  out: Statement[],
): { walk: { begin: TileExpr; end: TileExpr; step: TileExpr }; first: TileExpr; count: TileExpr } {
  const bind = (wanted: string, value: TileExpr): TileExpr => {
    const fresh = names.fresh(wanted);
    out.push({ kind: 'let', name: fresh, value });
    return name(fresh, 'i32');
  };
  const count = bind('tiles_a_cta', arith('/', arith('+', tiles, arith('-', ctas, i32(1))), ctas));
  const first = bind('first_tile', arith('*', cta, count));
  return { walk: { begin: i32(0), end: count, step: i32(1) }, first, count };
}

function betweenTiles(shared: readonly SharedRegion[], cluster: number): readonly Statement[] {
  if (shared.length === 0) return [];
  return [{ kind: cluster > 1 ? 'cluster-barrier' : 'barrier' }];
}
