/**
 * split-selections: a section with a selection -> two parts, one after the other, for the same rows and threads.
 *
 * Before: chosen = top of x[tokens, experts] along k; out[tokens, k] = f(chosen, sum over experts of x).
 * After:  a part over experts, which carries the selection and the sum, then a part over k, which stores f of both.
 * Each part has lanes of its own: first the row's elements lie along threads, then the selection's. What the later part
 * needs besides is computed there again, from loads that do not vary over experts. A selection from what another one
 * gave splits again. The identity where nothing is selected.
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
  type Value,
  type ValueId,
} from '../ir/kernel.js';
import { keep, liveValues, rebuild } from './rebuild.js';
import { wholeAxis } from './split-axis.js';
import { unsupported } from './unsupported.js';

type Top = Value & { readonly kind: 'top' };

export function splitSelections(kernel: Kernel): Kernel {
  return { ...kernel, sections: kernel.sections.map(split) };
}

function split(section: Section): Section {
  const live = liveValues(section);
  const tops = section.values.filter((value): value is Top => value.kind === 'top' && live.has(value.id));
  if (tops.length === 0) return section;
  /** Values made of what a selection gave. */
  const after = new Set<ValueId>();
  for (const value of section.values) {
    const made = (id: ValueId) => after.has(id) || section.values[id]!.kind === 'top';
    if (operands(value).some(made)) after.add(value.id);
  }
  const first = tops.filter(({ id }) => !after.has(id));
  const [over] = oneSelection(section, first).over as readonly [Axis];
  const isAfter = (id: ValueId) => after.has(id) || section.values[id]!.kind === 'top';
  const [now, later] = [
    section.stores.filter((store) => !storeOperands(store).some(isAfter)),
    section.stores.filter((store) => storeOperands(store).some(isAfter)),
  ];
  const back = new LaterPart(section, after);
  const stores = later.map((store) => mapStore(store, (id) => back.value(id)));
  const used = new Set<Axis>([
    ...first.flatMap(({ axes }) => axes),
    ...back.graph.values.flatMap(({ axes }) => axes),
    ...stores.flatMap(({ access }) =>
      access.terms.flatMap((term) => (term.kind === 'axis' ? [term.axis] : [])),
    ),
  ]);
  if ([...used].some((axis) => wholeAxis(axis) === over)) {
    throw unsupported(
      section,
      `values over ${over} beside what is selected from it`,
      `${over} at the selected positions, or reduced`,
      first[0]!.span,
    );
  }
  const then: Section = {
    name: section.name,
    values: back.graph.values,
    stores,
    axes: section.axes.filter(({ axis }) => used.has(axis)),
  };
  const resultAxes = new Set<Axis>(tops.map((top) => top.slots));
  const front = rebuild(
    {
      ...section,
      stores: now,
      carries: back.carries,
      axes: section.axes.filter(({ axis }) => !resultAxes.has(axis)),
    },
    keep,
  );
  return { ...front, then: split(then) };
}

/** The first selections share threads: they are along one axis, and of one length. */
function oneSelection(section: Section, all: readonly Top[]): Top {
  const [one] = all as readonly [Top, ...Top[]];
  const other = all.find((top) => top.over[0] !== one.over[0] || top.slots !== one.slots);
  if (!other) return one;
  throw unsupported(
    section,
    `selections from ${one.over[0]} to ${one.slots} and from ${other.over[0]} to ${other.slots}`,
    'selections along one dimension, of one length',
    other.span,
  );
}

/** Copies what the later part computes, and notes what it takes from the part before. */
class LaterPart {
  readonly graph = new GraphBuilder();
  readonly carries: ValueId[] = [];
  private readonly copied = new Map<ValueId, ValueId>();

  constructor(
    private readonly section: Section,
    private readonly after: ReadonlySet<ValueId>,
  ) {}

  value(id: ValueId): ValueId {
    const known = this.copied.get(id);
    if (known !== undefined) return known;
    const value = this.section.values[id]!;
    const isResult =
      value.kind === 'top' ||
      value.kind === 'arg' ||
      value.kind === 'reduce' ||
      value.kind === 'range-reduce';
    const made =
      isResult && !this.after.has(id)
        ? this.carried(value)
        : this.graph.copy(mapOperands(value, (operand) => this.value(operand)));
    if (value.name !== undefined) this.graph.rename(made, value.name);
    this.copied.set(id, made);
    return made;
  }

  private carried(value: Value): ValueId {
    const place = this.carries.push(value.id) - 1;
    const { dtype, axes, span } = value;
    const along = value.kind === 'top' ? { along: value.slots } : {};
    return this.graph.add({ kind: 'carried', place, ...along, dtype, axes, span });
  }
}
