/**
 * split-tables: what is counted over all rows -> tables beside the rows.
 *
 * Before: `n = count[tokens, k](experts: ids)`; `starts = scan[experts](n)`; `starts[experts: ids] + rank[...]`; `counts = n`.
 * After:  the section's `tables` hold n, starts and the write of counts; the rows read a table at their index.
 * Each CTA then counts for itself what its rows need, so that no CTA waits for another. The identity where nothing is counted.
 */

import type { Axis } from '../spec/index.js';
import { GraphBuilder } from '../ir/graph-builder.js';
import {
  mapOperands,
  mapStore,
  operands,
  storeOperands,
  type Kernel,
  type Section,
  type Store,
  type Value,
  type ValueId,
} from '../ir/kernel.js';
import { rebuild } from './rebuild.js';
import { unsupported } from './unsupported.js';

export function splitTables(kernel: Kernel): Kernel {
  return { ...kernel, sections: kernel.sections.map(split) };
}

function split(section: Section): Section {
  const rows = countedRows(section);
  if (!rows) return section;
  const isOfTables = (store: Store) => !storeAxes(section, store).some((axis) => rows.includes(axis));
  const own = section.stores.filter(isOfTables);
  const tables = new Copy(section);
  const stores = own.map((store) => mapStore(store, (id) => tables.value(id)));
  const before = rebuild(
    { ...section, stores: section.stores.filter((store) => !isOfTables(store)) },
    (value, graph) => {
      if (value.kind === 'lookup') {
        const table = new Copy({ ...section, values: graph.values }, tables.graph).value(value.operand);
        const { axis, extent, index, dtype, span } = value;
        const leaf = graph.add({ kind: 'table', place: table, dtype, axes: [axis], span });
        return graph.lookup(leaf, axis, extent, index, span);
      }
      if (value.kind === 'rank') {
        const { over, bins, span } = value;
        const operand = new Copy({ ...section, values: graph.values }, tables.graph).value(value.operand);
        const counts = tables.graph.add({
          kind: 'count',
          over,
          bins,
          operand,
          dtype: 'i32',
          axes: [bins],
          span,
        });
        return graph.add({ ...value, counts });
      }
      return graph.copy(value);
    },
  );
  refuseDirect(before);
  const { graph } = tables;
  const used = new Set<Axis>([
    ...rows,
    ...before.values.flatMap((value) => (value.kind === 'table' ? [] : value.axes)),
    ...before.stores.flatMap((store) => storeAxes(before, store)),
  ]);
  refuseDynamicTables(section, own, rows);
  const tablePart: Section = { name: section.name, values: graph.values, stores, axes: section.axes };
  refuseUnknownBins(tablePart);
  if (rows.length > 0) refuseInPlace(tablePart);
  return { ...before, axes: section.axes.filter(({ axis }) => used.has(axis)), tables: tablePart };
}

/** The dimensions that are counted over: the rows of the section. Undefined where nothing is counted or scanned. */
function countedRows(section: Section): readonly Axis[] | undefined {
  const tallies = section.values.filter((value) => value.kind === 'count' || value.kind === 'rank');
  const [first] = tallies;
  const other = tallies.find((tally) => tally.over.join() !== first!.over.join());
  if (other) {
    throw unsupported(
      section,
      `counts over (${first!.over.join(', ')}) and over (${other.over.join(', ')})`,
      'the same dimensions, in the same order, for all that is counted',
      other.span,
    );
  }
  if (first) return first.over;
  return section.values.some((value) => value.kind === 'scan') ? [] : undefined;
}

function storeAxes(section: Section, store: Store): readonly Axis[] {
  const { terms } = store.access;
  return [
    ...terms.flatMap((term) => (term.kind === 'axis' ? [term.axis] : [])),
    ...storeOperands(store).flatMap((id) => section.values[id]!.axes),
  ];
}

/** A value that is not in the rows' graph after all has no CTA that computes it. */
function refuseDirect(section: Section): void {
  const live = section.values.find((value) => value.kind === 'count' || value.kind === 'scan');
  if (!live) return;
  throw unsupported(
    section,
    `a table over ${live.axes.join(', ')} beside values over rows`,
    `the table at an index, such as n[${live.axes[0]}: i]`,
    live.span,
  );
}

function refuseDynamicTables(section: Section, stores: readonly Store[], rows: readonly Axis[]): void {
  for (const store of stores) {
    const dynamic = storeAxes(section, store).find((axis) =>
      section.axes.some((info) => info.axis === axis && info.extent === 'dynamic'),
    );
    if (dynamic === undefined) continue;
    throw unsupported(
      section,
      `a write over ${dynamic}, known only at launch, beside what is counted over (${rows.join(', ')})`,
      'writes over the rows, or over static dimensions',
      store.span,
    );
  }
}

/** Counts have a place for each bin of a dimension that some tensor or value of the section has. */
function refuseUnknownBins(tables: Section): void {
  for (const value of tables.values) {
    if (value.kind !== 'count' || tables.axes.some(({ axis }) => axis === value.bins)) continue;
    throw unsupported(
      tables,
      `counts of ${value.bins}, which nothing that is read or written has`,
      `a tensor along ${value.bins}, such as the counts themselves`,
      value.span,
    );
  }
}

/** Each CTA makes the tables for itself: what they are made of must not change meanwhile. */
function refuseInPlace(tables: Section): void {
  const read = new Set(
    tables.values.flatMap((value) => (value.kind === 'load' ? [value.access.tensor] : [])),
  );
  const store = tables.stores.find(({ access }) => read.has(access.tensor));
  if (!store) return;
  throw unsupported(
    tables,
    `a table over rows that is made of ${store.access.tensor} and written to it`,
    'another tensor to write to',
    store.span,
  );
}

/** Values of a section's graph, copied to another one with all that they are made of. */
class Copy {
  private readonly copied = new Map<ValueId, ValueId>();

  constructor(
    private readonly section: Section,
    readonly graph: GraphBuilder = new GraphBuilder(),
  ) {}

  value(id: ValueId): ValueId {
    const known = this.copied.get(id);
    if (known !== undefined) return known;
    const value: Value = this.section.values[id]!;
    operands(value).forEach((operand) => this.value(operand));
    const made = this.graph.copy(mapOperands(value, (operand) => this.value(operand)));
    if (value.name !== undefined) this.graph.rename(made, value.name);
    this.copied.set(id, made);
    return made;
  }
}
