/**
 * What the cuts of a row leave: the list of a CTA, where it holds all of them, is walked in place of its part of the row.
 *
 * A list is complete where no more elements were to go in it than it holds, which is known at run time; `count` says so. Later
 * walks may use it where they leave out, by their own condition, every element that is not in it.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import { compare, i32, name, type Statement, type TileExpr } from '../../ir/tile.js';
import { LIST, overList, type Workspace } from './cut-workspace.js';
import { typed } from './integers.js';
import { read } from './scalars.js';
import type { SectionContext } from './section-context.js';
import type { Listed } from './single-element.js';

export class Survivors {
  /** Cuts whose leading elements may be in the list, all of one operand. */
  private cuts: readonly (Value & { readonly kind: 'cut' })[] = [];
  private readonly count: string;
  private readonly whole: string;

  constructor(
    private readonly context: SectionContext,
    private readonly space: Workspace,
  ) {
    this.count = context.names.fresh('survivors');
    this.whole = context.names.fresh('whole');
    context.row.push(
      {
        kind: 'let',
        name: this.count,
        value: typed(i32(LIST + 1)),
        comment: 'elements in the list; more than it holds where the row has to be walked',
      },
      {
        kind: 'let',
        name: this.whole,
        value: typed(i32(0)),
        comment: '1 where the list has all of the row, not of this CTA alone',
      },
    );
  }

  /** What the keys in the list are made of. */
  get operand(): ValueId {
    return this.cuts[0]!.operand;
  }

  /** Elements in the list. */
  get length(): TileExpr {
    return name(this.count, 'i32');
  }

  /** Whether the list of every CTA holds all of the row's. */
  get isWhole(): TileExpr {
    return compare('!=', name(this.whole, 'i32'), i32(0));
  }

  /** Whether the list holds all of this CTA's. */
  get listed(): TileExpr {
    return compare('<=', name(this.count, 'i32'), i32(LIST));
  }

  get lost(): TileExpr {
    return compare('>', name(this.count, 'i32'), i32(LIST));
  }

  get isPart(): TileExpr {
    return compare('==', name(this.whole, 'i32'), i32(0));
  }

  /** Whether every element for which `condition` holds is in a complete list. */
  hold(condition: ValueId): boolean {
    return (
      this.cuts.length > 0 && this.cuts.every((cut) => leads(this.context.section.values, condition, cut))
    );
  }

  /** Whether a cut may take its elements from the list. */
  serve(cut: Value & { readonly kind: 'cut' }): boolean {
    const { values } = this.context.section;
    const weight = cut.weight === undefined ? undefined : values[cut.weight]!;
    return (
      weight?.kind === 'select' &&
      isZero(values[weight.otherwise]!) &&
      this.cuts.every(({ operand }) => operand === cut.operand) &&
      this.hold(weight.condition)
    );
  }

  /** From now on the list is of a cut too, or of it alone. */
  add(cut: Value & { readonly kind: 'cut' }, alone: boolean): void {
    this.cuts = alone ? [cut] : [...this.cuts, cut];
  }

  /** A list that is not complete. */
  lose(): readonly Statement[] {
    return [
      { kind: 'assign', name: this.count, value: typed(i32(LIST + 1)) },
      { kind: 'assign', name: this.whole, value: typed(i32(0)) },
    ];
  }

  /** The list of this CTA is as long as was counted. */
  keep(): Statement {
    return { kind: 'assign', name: this.count, value: read(this.space.count, i32(0)) };
  }

  /** The list has all of the row, so many. */
  keepWhole(length: TileExpr): readonly Statement[] {
    return [
      { kind: 'assign', name: this.count, value: length },
      { kind: 'assign', name: this.whole, value: typed(i32(1)) },
    ];
  }

  /** What `body` does for each entry of this thread. */
  walk(body: (element: Listed, entry: TileExpr) => readonly Statement[]): Statement {
    const { keys, places } = this.space;
    return overList(this.context, name(this.count, 'i32'), (entry) =>
      body({ key: read(keys, entry), position: read(places, entry) }, entry),
    );
  }
}

/** Whether `condition` holds for leading elements of `cut` alone. */
function leads(values: readonly Value[], condition: ValueId, cut: Value & { readonly kind: 'cut' }): boolean {
  const value = values[condition]!;
  if (value.kind === 'compare')
    return value.fn === '>' && isKey(values, value.left, cut) && value.right === cut.id;
  if (value.kind !== 'binary') return false;
  const sides = [value.left, value.right];
  if (value.fn === '||') return sides.every((side) => leads(values, side, cut));
  if (value.fn !== '&&') return false;
  return sides.some((side) => leads(values, side, cut)) || isLast(values, value.left, value.right, cut);
}

/** The key of the last leading element, not behind it. */
function isLast(values: readonly Value[], same: ValueId, within: ValueId, cut: Value): boolean {
  const [key, place] = [values[same]!, values[within]!];
  if (key.kind !== 'compare' || place.kind !== 'compare') return false;
  const end = values[place.right]!;
  return (
    key.fn === '==' &&
    key.right === cut.id &&
    place.fn === '<=' &&
    values[place.left]!.kind === 'position' &&
    end.kind === 'cut-end' &&
    end.cut === cut.id
  );
}

function isKey(values: readonly Value[], id: ValueId, cut: Value & { readonly kind: 'cut' }): boolean {
  const value = values[id]!;
  return value.kind === 'order' && value.operand === cut.operand;
}

const isZero = (value: Value): boolean => value.kind === 'literal' && value.value === 0;
