/** Rewrites a section's graph: every live value goes through `visit`, axes are computed anew, dead values vanish. */

import { GraphBuilder } from '../ir/graph-builder.js';
import {
  mapOperands,
  mapStore,
  operands,
  storeOperands,
  type Section,
  type Store,
  type Value,
  type ValueId,
} from '../ir/kernel.js';

/** What a rewrite does with one value, whose operands already name values of the new graph. */
export type Visit = (value: Value, graph: GraphBuilder) => ValueId;

export const keep: Visit = (value, graph) => graph.copy(value);

export function rebuild(
  section: Section,
  visit: Visit,
  visitStore: (store: Store) => Store = (store) => store,
): Section {
  const live = liveValues(section);
  const graph = new GraphBuilder();
  const renamed = new Map<ValueId, ValueId>();
  const map = (id: ValueId) => renamed.get(id)!;
  for (const value of section.values) {
    if (!live.has(value.id)) continue;
    const id = visit(mapOperands(value, map), graph);
    if (value.name !== undefined) graph.rename(id, value.name);
    renamed.set(value.id, id);
  }
  const stores = section.stores.map((store) => visitStore(mapStore(store, map)));
  const carries = section.carries?.map(map);
  return dropDead({ ...section, values: graph.values, stores, ...(carries && { carries }) });
}

/** Values that some store needs, or the next part. */
export function liveValues(section: Section): ReadonlySet<ValueId> {
  const live = new Set<ValueId>();
  const visit = (id: ValueId): void => {
    if (live.has(id)) return;
    live.add(id);
    operands(section.values[id]!).forEach(visit);
  };
  section.stores.flatMap(storeOperands).forEach(visit);
  section.carries?.forEach(visit);
  return live;
}

/** Removes values that a rewrite left without users and numbers the rest. */
function dropDead(section: Section): Section {
  const live = liveValues(section);
  const renamed = new Map<ValueId, ValueId>();
  const values: Value[] = [];
  for (const value of section.values) {
    if (!live.has(value.id)) continue;
    renamed.set(value.id, values.length);
    values.push({ ...mapOperands(value, (id) => renamed.get(id)!), id: values.length });
  }
  return {
    ...section,
    values,
    stores: section.stores.map((store) => mapStore(store, (id) => renamed.get(id)!)),
    ...(section.carries && { carries: section.carries.map((id) => renamed.get(id)!) }),
  };
}
