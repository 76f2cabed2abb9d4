/**
 * Where the leading elements of a row end (`largest`, `nucleus`), exactly and without sorting it.
 *
 * Radix descent: elements are counted, or their masses added up, in bins by a digit of their key; the bin in which the wanted
 * sum is reached, from the highest down, gives the digit, and the next one is looked for among its elements. Of elements with
 * the key that is found, positions are cut the same way. Masses are whole units of 2^-28: their sum does not depend on an order.
 *
 * What cannot be among the leading elements is left out first, and the rest put in a list: for a count, what lies below the bin of
 * the count-th largest of the threads' own largest elements; for masses, what is too light to matter. Where a CTA's list is too
 * short for them, its part of the row is walked again instead.
 */

import type { Value, ValueId } from '../../ir/kernel.js';
import {
  arith,
  compare,
  guarded,
  i32,
  literal,
  name,
  wide,
  type Statement,
  type TileExpr,
} from '../../ir/tile.js';
import { bits, NOWHERE, TAKEN } from './integers.js';
import type { Fragments } from './fragments.js';
import type { LaneGeometry } from './lane-geometry.js';
import { choose } from './scalars.js';
import type { Scope, SectionContext } from './section-context.js';
import type { Values } from './values.js';

type Cut = Value & { readonly kind: 'cut' };
/** What a cut is made of. */
interface Source {
  readonly operand: ValueId;
  readonly weight?: ValueId;
  /** The smallest elements lead. */
  readonly ascending: boolean;
}

/** Bins of a phase: for masses two halves of 14 bits each. */
export const BINS = 2048;
const HALF = 14;
const UNIT = 2 ** 28;
/** Elements of a CTA's list. */
const LIST = 1024;
/** Bits of a position that is counted down, so that lower ones come first. */
const POSITION = 2 ** 22 - 1;

/** Shared memory that all cuts of a section use, and the variable that says which bins are empty. */
interface Workspace {
  readonly bins: string;
  readonly sums: string;
  readonly found: string;
  readonly share: string;
  readonly keys: string;
  readonly places: string;
  readonly masses: string;
  readonly count: string;
  readonly phase: string;
}

/** An element under consideration. */
interface Element {
  readonly key: TileExpr;
  readonly position: TileExpr;
  /** Of a cut by mass. */
  readonly mass?: TileExpr;
}

type Visit = (element: Element) => readonly Statement[];

export class Cuts {
  private workspace: Workspace | undefined;
  /** Of a cut by count: the largest key of this thread. */
  private readonly most = new Map<ValueId, string>();

  constructor(
    private readonly context: SectionContext,
    private readonly geometry: LaneGeometry,
    private readonly fragments: Fragments,
    private readonly values: Values,
  ) {}

  /** Declares the largest key of this thread. */
  begin(id: ValueId): void {
    const most = this.context.names.fresh(`${this.wanted(id)}_most`);
    this.most.set(id, most);
    this.context.row.push({ kind: 'let', name: most, value: typed(i32(TAKEN)) });
  }

  accumulate(id: ValueId, scope: Scope): void {
    const most = this.most.get(id)!;
    const body: Statement[] = [];
    const source = this.source(id);
    const value = this.takeApart(source.operand, scope, body);
    body.push(
      this.each((element) => [
        {
          kind: 'assign',
          name: most,
          value: bits('max', name(most, 'i32'), orderKey(value(element), source.ascending)),
        },
      ]),
    );
    scope.out.push(...guarded(this.geometry.tailGuard(scope.tiles), body));
  }

  /** Finds the key and the position at which the leading elements end. */
  run(id: ValueId): void {
    const { context } = this;
    const cut = this.cut(id);
    const need = this.named('need', this.values.scalar(cut.need));
    const { key, end } = this.find(id, need);
    this.values.define(id, key);
    for (const value of context.section.values)
      if (value.kind === 'cut-end' && value.cut === id) this.values.define(value.id, end);
  }

  /** The statements that find a cut, and where it is. */
  find(id: ValueId, need: TileExpr): { readonly key: TileExpr; readonly end: TileExpr } {
    const { row } = this.context;
    const source = this.source(id);
    const space = this.space;
    const key = this.declare(
      `${this.wanted(id)}_key`,
      i32(TAKEN),
      'every element leads until a cut is found',
    );
    const end = this.declare(`${this.wanted(id)}_end`, i32(NOWHERE));
    if (source.weight === undefined) {
      const some = compare('>', need, i32(0));
      const less = compare('<', need, i32(this.extent));
      const none: readonly Statement[] = [
        { kind: 'assign', name: key, value: i32(NOWHERE) },
        { kind: 'assign', name: end, value: i32(-1) },
      ];
      const body = this.byCount(id, source, space, key, end, need);
      row.push(...guarded(bits('&&', some, less, 'bool'), body), {
        kind: 'if',
        condition: compare('<=', need, i32(0)),
        then: none,
      });
    } else {
      const body = this.byMass(source, space, key, end, need);
      row.push(...guarded(compare('<', need, literal(1, 'f32')), body));
    }
    return { key: name(key, 'i32'), end: name(end, 'i32') };
  }

  /** What `visit` makes of the key and the position of every element of the row. */
  everyElement(
    id: ValueId,
    visit: (key: TileExpr, position: TileExpr) => readonly Statement[],
  ): readonly Statement[] {
    return this.walk(this.source(id), ({ key, position }) => visit(key, position));
  }

  /** No CTA leaves while another reads its shared memory. */
  end(): void {
    if (this.workspace && this.context.lanes.cluster > 1) this.context.row.push({ kind: 'cluster-barrier' });
  }

  private byCount(
    id: ValueId,
    cut: Source,
    space: Workspace,
    key: string,
    end: string,
    need: TileExpr,
  ): readonly Statement[] {
    const most = name(this.most.get(id)!, 'i32');
    const wanted = this.fresh('wanted');
    const floor = this.fresh('floor');
    const own = this.binAdd(space, digit(flipped(most), i32(21), i32(BINS - 1)), undefined);
    const found = bits('^', bits('<<', castI32(this.found(space, 0)), i32(21)), i32(TAKEN));
    return [
      { kind: 'let', name: wanted, value: wide(need) },
      ...guarded(compare('>', most, i32(TAKEN)), own),
      ...this.search(space, wanted, false),
      {
        kind: 'let',
        name: floor,
        value: choose(compare('>', this.found(space, 2), literal(0, 'i64')), found, i32(TAKEN)),
        comment: 'as many elements as are wanted have keys from here on',
      },
      ...this.list(cut, space, ({ key: each }) => compare('>=', each, name(floor, 'i32'))),
      ...this.descend(cut, space, wanted, key, end),
    ];
  }

  private byMass(
    cut: Source,
    space: Workspace,
    key: string,
    end: string,
    share: TileExpr,
  ): readonly Statement[] {
    const { names, lanes } = this.context;
    const [own, total] = [names.fresh('mass'), names.fresh('total')];
    const wanted = this.fresh('wanted');
    const light = this.fresh('least');
    const [sum, all, goal] = [name(own, 'i64'), name(total, 'i64'), name(wanted, 'i64')];
    const zero = literal(0, 'i64');
    const add: Visit = ({ mass }) => [{ kind: 'assign', name: own, value: arith('+', sum, wide(mass!)) }];
    const rest = bits('/', bits('-', all, goal, 'i64'), literal(this.extent, 'i64'), 'i64');
    const { sums, share: meeting } = space;
    const { cluster, threads } = lanes;
    return [
      { kind: 'let', name: own, value: zero },
      ...this.walk(cut, add),
      { kind: 'row-total', name: total, value: sum, sums, share: meeting, cluster, threads },
      { kind: 'let', name: wanted, value: { kind: 'share-of', total: all, share, dtype: 'i64', width: 0 } },
      {
        kind: 'let',
        name: light,
        value: bits('max', castI32(rest), i32(1)),
        comment: 'lighter elements together weigh less than what is left over',
      },
      ...this.list(cut, space, ({ mass }) => compare('>=', mass!, name(light, 'i32'))),
      ...this.descend(cut, space, wanted, key, end),
    ];
  }

  /** Puts the elements that pass a test in the CTA's list, and all that do not fit in none. */
  private list(cut: Source, space: Workspace, passes: (element: Element) => TileExpr): readonly Statement[] {
    const put: Visit = (element) => {
      const slot = this.fresh('slot');
      const at = [{ kind: 'at', index: name(slot, 'i32') }] as const;
      const stores: readonly Statement[] = [
        { kind: 'store', to: space.keys, at, value: element.key },
        { kind: 'store', to: space.places, at, value: element.position },
        ...(element.mass ? [{ kind: 'store', to: space.masses, at, value: element.mass } as const] : []),
      ];
      return guarded(passes(element), [
        { kind: 'shared-add', to: space.count, index: i32(0), value: i32(1), result: slot },
        { kind: 'if', condition: compare('<', name(slot, 'i32'), i32(LIST)), then: stores },
      ]);
    };
    const clear: Statement = {
      kind: 'store',
      to: space.count,
      at: [{ kind: 'at', index: i32(0) }],
      value: i32(0),
    };
    return [
      ...guarded(compare('==', name('thread', 'i32'), i32(0)), [clear]),
      { kind: 'barrier' },
      ...this.walk(cut, put),
      { kind: 'barrier' },
    ];
  }

  /** The digits of the key, then, where not all elements with it are wanted, those of the position. */
  private descend(
    cut: Source,
    space: Workspace,
    wanted: string,
    key: string,
    end: string,
  ): readonly Statement[] {
    const listed = this.fresh('listed');
    const inside = this.fresh('inside');
    const goal = name(wanted, 'i64');
    const last = name(key, 'i32');
    const keys = this.digits(cut, space, listed, wanted, inside, {
      steps: 3,
      shift: (step) => bits('max', arith('-', i32(21), arith('*', step, i32(11))), i32(0)),
      mask: (step) => choose(compare('==', step, i32(2)), i32(1023), i32(BINS - 1)),
      word: (element) => flipped(element.key),
      among: () => undefined,
    });
    const positions = this.digits(cut, space, listed, wanted, inside, {
      steps: 2,
      shift: (step) => arith('-', i32(11), arith('*', step, i32(11))),
      mask: () => i32(BINS - 1),
      word: (element) => arith('-', i32(POSITION), element.position),
      among: (element) => compare('==', element.key, last),
    });
    const some = compare('>', name(inside, 'i64'), literal(0, 'i64'));
    return [
      { kind: 'let', name: listed, value: element(space.count, i32(0), 'i32') },
      { kind: 'let', name: inside, value: literal(0, 'i64') },
      ...keys.statements,
      { kind: 'assign', name: key, value: choose(some, flipped(keys.prefix), i32(TAKEN)) },
      {
        kind: 'if',
        condition: compare('>', name(inside, 'i64'), goal),
        then: [
          ...positions.statements,
          {
            kind: 'assign',
            name: end,
            value: choose(some, arith('-', i32(POSITION), positions.prefix), i32(NOWHERE)),
          },
        ],
        comment: 'not all elements with this key lead: the lower positions do',
      },
    ];
  }

  private digits(
    cut: Source,
    space: Workspace,
    listed: string,
    wanted: string,
    inside: string,
    word: {
      readonly steps: number;
      readonly shift: (step: TileExpr) => TileExpr;
      readonly mask: (step: TileExpr) => TileExpr;
      readonly word: (element: Element) => TileExpr;
      readonly among: (element: Element) => TileExpr | undefined;
    },
  ): { readonly statements: readonly Statement[]; readonly prefix: TileExpr } {
    const { names } = this.context;
    const prefix = name(names.fresh('prefix'), 'i32') as TileExpr & { kind: 'name' };
    const known = name(names.fresh('known'), 'i32') as TileExpr & { kind: 'name' };
    const step = names.fresh('digit');
    const shift = name(names.fresh('shift'), 'i32') as TileExpr & { kind: 'name' };
    const mask = name(names.fresh('mask'), 'i32') as TileExpr & { kind: 'name' };
    const masses = cut.weight !== undefined;
    const visit: Visit = (each) => {
      const own = this.fresh('word');
      const value = name(own, 'i32');
      const same = compare('==', bits('&', bits('^', value, prefix), known), i32(0));
      const among = word.among(each);
      return [
        { kind: 'let', name: own, value: word.word(each) },
        ...guarded(
          among ? bits('&&', among, same, 'bool') : same,
          this.binAdd(space, digit(value, shift, mask), each.mass),
        ),
      ];
    };
    const index = name(this.fresh('entry'), 'i32') as TileExpr & { kind: 'name' };
    const inList: Statement = {
      kind: 'loop',
      variable: index.name,
      begin: name('thread', 'i32'),
      end: name(listed, 'i32'),
      step: i32(this.context.lanes.threads),
      unroll: 1,
      body: visit({
        key: element(space.keys, index, 'i32'),
        position: element(space.places, index, 'i32'),
        ...(masses && { mass: element(space.masses, index, 'i32') }),
      }),
    };
    const from: Statement = {
      kind: 'if',
      condition: compare('<=', name(listed, 'i32'), i32(LIST)),
      then: [inList],
      otherwise: this.walk(cut, visit),
    };
    const goal = name(wanted, 'i64');
    const statements: readonly Statement[] = [
      { kind: 'let', name: prefix.name, value: typed(i32(0)) },
      {
        kind: 'let',
        name: known.name,
        value: typed(i32(0)),
        comment: 'bits of the word that are found already',
      },
      {
        kind: 'loop',
        variable: step,
        begin: i32(0),
        end: i32(word.steps),
        step: i32(1),
        unroll: 1,
        body: [
          { kind: 'let', name: shift.name, value: word.shift(name(step, 'i32')) },
          { kind: 'let', name: mask.name, value: word.mask(name(step, 'i32')) },
          from,
          ...this.search(space, wanted, masses),
          {
            kind: 'assign',
            name: prefix.name,
            value: bits('|', prefix, bits('<<', castI32(this.found(space, 0)), shift)),
          },
          { kind: 'assign', name: wanted, value: bits('-', goal, this.found(space, 1), 'i64') },
          { kind: 'assign', name: inside, value: this.found(space, 2) },
          { kind: 'assign', name: known.name, value: bits('<<', typed(i32(-1)), shift) },
        ],
      },
    ];
    return { statements, prefix };
  }

  /** Looks for the bin of the sum `wanted`, and turns to the other bins. */
  private search(space: Workspace, wanted: string, masses: boolean): readonly Statement[] {
    const { cluster, threads } = this.context.lanes;
    const { bins, sums, found } = space;
    const phase = name(space.phase, 'i32');
    const need = name(wanted, 'i64');
    return [
      { kind: 'search-bins', bins, sums, found, phase, need, masses, cluster, threads },
      { kind: 'assign', name: space.phase, value: arith('-', i32(1), phase) },
    ];
  }

  /** Adds 1, or a mass in halves, to a bin of the present phase. */
  private binAdd(space: Workspace, bin: TileExpr, mass: TileExpr | undefined): readonly Statement[] {
    const index = arith('+', arith('*', name(space.phase, 'i32'), i32(2 * BINS)), bin);
    const add = (at: TileExpr, value: TileExpr): Statement => ({
      kind: 'shared-add',
      to: space.bins,
      index: at,
      value,
    });
    if (!mass) return [add(index, i32(1))];
    return [
      add(index, bits('>>', mass, i32(HALF))),
      add(arith('+', index, i32(BINS)), bits('&', mass, i32(2 ** HALF - 1))),
    ];
  }

  /** Every element of this thread. */
  private walk(cut: Source, visit: Visit): readonly Statement[] {
    const { context } = this;
    const all = context.lanes.tiles.map((_, i) => i);
    return this.geometry.overTiles(all, (tiles, out) => {
      const body: Statement[] = [];
      const scope: Scope = { tiles, out: body, memo: new Map() };
      const value = this.takeApart(cut.operand, scope, body);
      const weight = cut.weight === undefined ? undefined : this.takeApart(cut.weight, scope, body);
      body.push(
        this.each((at) => {
          const [key, mass] = [this.fresh('key'), this.fresh('mass')];
          return [
            { kind: 'let', name: key, value: orderKey(value(at), cut.ascending) },
            ...(weight ? [{ kind: 'let', name: mass, value: massOf(weight(at)) } as const] : []),
            ...visit({
              key: name(key, 'i32'),
              position: arith('+', this.geometry.start(context.vectorAxis!, tiles), at),
              ...(weight && { mass: name(mass, 'i32') }),
            }),
          ];
        }),
      );
      out.push(...guarded(this.geometry.tailGuard(tiles), body));
    });
  }

  private takeApart(id: ValueId, scope: Scope, out: Statement[]): (element: TileExpr) => TileExpr {
    return this.fragments.takeApart(this.values.compute(id, { ...scope, out }), 'r_value', out);
  }

  private each(body: (element: TileExpr) => readonly Statement[]): Statement {
    const variable = this.context.names.fresh('element');
    this.context.unrolled.add(variable);
    const { vector } = this.context.lanes;
    return { kind: 'unroll', variable, extent: vector, body: body(name(variable, 'i32')) };
  }

  private makeWorkspace(): Workspace {
    const { names, shared, row, lanes, section, unrolled } = this.context;
    const region = (wanted: string, dtype: 'i32' | 'i64', elements: number): string => {
      const fresh = names.fresh(wanted);
      shared.push({ name: fresh, dtype, elements, align: 16 });
      return fresh;
    };
    const weighted = section.values.some((value) => value.kind === 'cut' && value.weight !== undefined);
    const space: Workspace = {
      bins: region('s_bins', 'i32', 4 * BINS),
      sums: region('s_sums', 'i64', lanes.threads / 32),
      found: region('s_found', 'i64', 4),
      share: region('s_share', 'i64', 2),
      keys: region('s_keys', 'i32', LIST),
      places: region('s_places', 'i32', LIST),
      masses: weighted ? region('s_masses', 'i32', LIST) : '',
      count: region('s_count', 'i32', 4),
      phase: names.fresh('phase'),
    };
    const variable = names.fresh('part');
    unrolled.add(variable);
    const index = arith('+', name('thread', 'i32'), arith('*', name(variable, 'i32'), i32(lanes.threads)));
    const clear: Statement = { kind: 'store', to: space.bins, at: [{ kind: 'at', index }], value: i32(0) };
    row.push(
      { kind: 'let', name: space.phase, value: typed(i32(0)) },
      { kind: 'unroll', variable, extent: (4 * BINS) / lanes.threads, body: [clear] },
      { kind: 'barrier' },
    );
    return space;
  }

  private declare(wanted: string, value: TileExpr, comment?: string): string {
    const fresh = this.fresh(wanted);
    this.context.row.push({
      kind: 'let',
      name: fresh,
      value: typed(value),
      ...(comment !== undefined && { comment }),
    });
    return fresh;
  }

  private named(wanted: string, value: TileExpr): TileExpr {
    return value.kind === 'name' || value.kind === 'literal' ? value : this.context.bind(wanted, value);
  }

  private found(space: Workspace, at: number): TileExpr {
    return element(space.found, i32(at), 'i64');
  }

  private fresh(wanted: string): string {
    return this.context.names.fresh(wanted);
  }

  /** Elements of the row. */
  private get extent(): number {
    return this.context.lanes.axes[0]!.extent;
  }

  private wanted(id: ValueId): string {
    const value = this.context.section.values[id]!;
    return value.kind === 'cut' && value.weight !== undefined ? 'nucleus' : 'largest';
  }

  private get space(): Workspace {
    return (this.workspace ??= this.makeWorkspace());
  }

  private source(id: ValueId): Source {
    const value = this.context.section.values[id]!;
    if (value.kind === 'top') return { operand: value.operand, ascending: value.fn === 'bottom' };
    const { operand, weight } = this.cut(id);
    return { operand, ...(weight !== undefined && { weight }), ascending: false };
  }

  private cut(id: ValueId): Cut {
    const value = this.context.section.values[id]!;
    if (value.kind !== 'cut') throw new Error(`value ${id} is no cut`);
    return value;
  }
}

const element = (of: string, index: TileExpr, dtype: 'i32' | 'i64'): TileExpr => ({
  kind: 'element',
  of,
  at: [{ kind: 'at', index }],
  dtype,
  width: 0,
});

const orderKey = (operand: TileExpr, ascending: boolean): TileExpr => ({
  kind: 'order-key',
  operand,
  ascending,
  dtype: 'i32',
  width: 0,
});

/** A signed key as a word whose digits have its order, and back. */
const flipped = (key: TileExpr): TileExpr => bits('^', key, i32(TAKEN));

const digit = (word: TileExpr, shift: TileExpr, mask: TileExpr): TileExpr =>
  bits('&', bits('>>', word, shift), mask);

/** A weight in units of 2^-28: NaN and what is below 0 as 0, what is above as 1 less one unit. */
function massOf(weight: TileExpr): TileExpr {
  const f32 = (fn: 'max' | 'min' | '*', left: TileExpr, right: TileExpr) => bits(fn, left, right, 'f32');
  const least = f32('min', f32('max', weight, literal(0, 'f32')), literal(1, 'f32'));
  const scaled: TileExpr = {
    kind: 'cast',
    operand: f32('*', least, literal(UNIT, 'f32')),
    rounding: 'rz',
    saturate: false,
    dtype: 'i32',
    width: 0,
  };
  return bits('min', scaled, i32(UNIT - 1));
}

const castI32 = (operand: TileExpr): TileExpr => ({
  kind: 'cast',
  operand,
  rounding: 'rn',
  saturate: false,
  dtype: 'i32',
  width: 0,
});

/** A literal that the DSL takes for an i32 from the start: loops and branches carry it. */
const typed = (value: TileExpr): TileExpr => castI32(value);
